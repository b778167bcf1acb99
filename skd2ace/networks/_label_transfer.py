"""The losses of HST: of labels that are known and of those that are taken over from others.

y is 1 for a known positive, -1 for a known negative and 0 for a label that is not known.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize, softplus


def known_losses(logits: Tensor, signs: Tensor) -> Tensor:
    """Binary cross-entropy (b, q) of logits for y, 0 where y is."""
    return torch.where(signs == 0, 0, softplus(-signs * logits))


def asymmetric_pair_losses(logits: Tensor, both: Tensor) -> Tensor:
    """Asymmetric losses of the co-occurrence of pairs of labels.

    Exponents 1 and 2 for pairs that occur together and others, and a margin of 0.05, as published.

    Parameters
    ----------
    logits : Tensor of shape (b, pairs)
    both : Tensor of shape (b, pairs), bool
        Whether both are known positives.

    Returns
    -------
    Tensor of shape (b, pairs)
    """
    proba = torch.sigmoid(logits)
    absent = (1 - proba + 0.05).clamp(max=1)
    of_both = -(1 - proba) * proba.clamp(min=1e-8).log()
    return torch.where(both, of_both, -((1 - absent) ** 2) * absent.log())


def intra_scores(cooccurrence: Tensor, signs: Tensor) -> Tensor:
    """Mean probability of each label to occur with an image's known positives.

    Parameters
    ----------
    cooccurrence : Tensor of shape (b, q, q)
        Symmetric, 1 on the diagonal.
    signs : Tensor of shape (b, q)
        y.

    Returns
    -------
    Tensor of shape (b, q)
        0 in images without a known positive.
    """
    positive = (signs == 1).to(cooccurrence.dtype)
    total = (cooccurrence @ positive[:, :, None])[:, :, 0]
    return total / positive.sum(1, keepdim=True).clamp(min=1)


def inter_scores(features: Tensor, prototypes: Tensor) -> Tensor:
    """Mean cosine (b, q) of label features (b, q, m) and each label's prototypes (q, K, m)."""
    unit, centers = normalize(features, dim=2), normalize(prototypes, dim=2)
    return torch.einsum("bqm,qm->bq", unit, centers.mean(1))


def instance_contrast(
    features: Tensor,
    signs: Tensor,
    ranks: tuple[Tensor, Tensor] | None,
    instance_weights: Tensor | None = None,
) -> Tensor:
    """Pull positives of a label together, push them from its negatives, and negatives apart.

    Of pairs of images that both are known negatives, and of those of one of each, some are taken
    where there are k > 0 pairs of positives: 2 k at random and the k most alike, which may be
    among them.

    Parameters
    ----------
    features : Tensor of shape (b, q, m)
    signs : Tensor of shape (b, q)
        y.
    ranks : pair of Tensor of shape (pairs, q), int, or None
        A random order of the pairs of two negatives, and of those of one of each: the place of
        each pair among its own kind. None takes all pairs.
    instance_weights : Tensor of shape (b,), optional
        A pair weighs the geometric mean of its two.

    Returns
    -------
    Tensor, scalar
    """
    first, second = torch.triu_indices(len(signs), len(signs), offset=1, device=signs.device)
    unit = normalize(features, dim=2)
    cosines = (unit[first] * unit[second]).sum(2)
    kinds = pair_kinds(signs)
    alike = kinds[0].sum()
    taken = [kinds[0].to(cosines.dtype)]
    for kind, rank in zip(kinds[1:], ranks or (None, None), strict=True):
        times = kind.to(cosines.dtype)
        if rank is not None:
            hardest = ranks_of(-cosines.detach(), kind)
            drawn = ((rank < 2 * alike).to(times.dtype) + (hardest < alike)) * times
            times = torch.where(alike > 0, drawn, times)
        taken.append(times)
    losses = 1 + torch.where(kinds[0], -cosines, cosines)
    times = taken[0] + taken[1] + taken[2]
    if instance_weights is not None:
        losses = losses * (instance_weights[first] * instance_weights[second]).sqrt()[:, None]
    return (times * losses).sum() / times.sum().clamp(min=1)


def pair_kinds(signs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Which pairs of images (pairs, q) are of two positives, two negatives, and one of each."""
    first, second = torch.triu_indices(len(signs), len(signs), offset=1, device=signs.device)
    a, b = signs[first], signs[second]
    return (a == 1) & (b == 1), (a == -1) & (b == -1), a * b == -1


def ranks_of(values: Tensor, among: Tensor) -> Tensor:
    """Rank of each value, from 0 and of the smallest, among those that are marked."""
    flat = torch.where(among, values, torch.inf).flatten()
    ranks = torch.empty_like(flat, dtype=torch.int64)
    ranks[flat.argsort(stable=True)] = torch.arange(len(flat), device=flat.device)
    return ranks.view(values.shape)
