"""Losses of pairs of labels: one that is relevant against one that is not."""

import torch
from torch import Tensor


def weigh_cells(known: Tensor, weights: Tensor | None) -> Tensor:
    """Weight of each label of each instance, 0 where it is not known.

    Parameters
    ----------
    known : Tensor of shape (b, q), bool
    weights : Tensor of shape (b,) or (b, q), float, optional
        None is 1 for all.

    Returns
    -------
    Tensor of shape (b, q), of a floating-point dtype
    """
    if weights is None:
        return known.float()
    per_cell = weights if weights.ndim == 2 else weights[:, None].expand(known.shape)
    return per_cell.masked_fill(~known, 0)


def ranking_losses(
    proba: Tensor, labels: Tensor, cells: Tensor, *, sharpness: float, smoothing: float = 0.0
) -> Tensor:
    """Mean of exp(-sharpness (p_i - p_j)) over the pairs of a label i present and one j absent.

    A pair weighs as the geometric mean of its two cells. The sum over pairs is a product of two
    sums, so that time and memory are those of the labels and not of the pairs.

    Parameters
    ----------
    proba : Tensor of shape (..., b, q)
    labels : Tensor of shape (b, q)
        0/1.
    cells : Tensor of shape (b, q)
        Weights, at least 0; a label of weight 0 is in no pair.
    sharpness : float
    smoothing : float, default=0.
        Added to the number of pairs.

    Returns
    -------
    Tensor of shape (..., b)
        0 of instances without a pair.
    """
    roots, counted = cells.sqrt(), (cells > 0).to(proba.dtype)
    present = (roots * labels * torch.exp(-sharpness * proba)).sum(-1)
    absent = (roots * (1 - labels) * torch.exp(sharpness * proba)).sum(-1)
    n_pairs = (counted * labels).sum(-1) * (counted * (1 - labels)).sum(-1)
    # Not a quotient that is masked afterwards: its gradient would be NaN without pairs.
    return present * absent / (n_pairs + smoothing if smoothing else n_pairs.clamp(min=1))
