"""Piecewise linear embeddings of numbers, after Gorishniy, Rubachev and Babenko (2022)."""

import torch
from rtdl_num_embeddings import PiecewiseLinearEmbeddings

# Values of a feature, if it is spread as a normal distribution, between which an embedding bends.
_N_BINS = 16


def make_embedding(n_features: int, embedding_size: int) -> PiecewiseLinearEmbeddings:
    """Make functions of single features, linear between quantiles of the normal distribution."""
    inner = torch.linspace(0, 1, _N_BINS + 1)[1:-1]
    edges = torch.special.ndtri(inner)
    # Beyond the last bends the function goes on as a line.
    edges = torch.cat((edges[:1] - 1, edges, edges[-1:] + 1))
    return PiecewiseLinearEmbeddings(
        [edges] * n_features, embedding_size, activation=False, version="B"
    )
