"""What the imbalance of labels says about instances: Hard-Imb and Balance."""

import math

import torch
from torch import Generator, Tensor

from skd2ace._labels import cooccurrence_graph, imbalance_ratios, mean_imbalance_ratio

from ._known import keep_known, known_mean
from ._neighbors import EXACT, NeighborSearch


def local_imbalance(
    X: Tensor,
    Y: Tensor,
    n_neighbors: int = 5,
    known: Tensor | None = None,
    search: NeighborSearch = EXACT,
) -> Tensor:
    """Share of an instance's neighbours that lack a label it carries (Hard-Imb [1]_, Eq. 2).

    Parameters
    ----------
    X : Tensor of shape (n, d)
        Features, dense or sparse CSR, on any device.
    Y : Tensor of shape (n, q)
        0/1 in any dtype.
    n_neighbors : int, default=5
        Neighbours as :func:`local_labels` finds them; as many as there are where fewer exist.
    known : Tensor of shape (n, q), bool, optional
        B_ij, for a label that i is known to carry, is the share of those that lack it among the
        neighbours of which that is known.
    search : NeighborSearch, optional
        As for :func:`local_labels`.

    Returns
    -------
    Tensor of shape (n, q), float32, on the device of Y
        B of the paper, in [0, 1]; 0 for labels that the instance does not carry, and where
        there are no neighbours, or nothing is known of them.

    References
    ----------
    .. [1] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import local_imbalance
    >>> X, Y = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([[1], [1], [1]])
    >>> Y = torch.cat((Y, torch.tensor([[0], [1], [0]])), dim=1)
    >>> local_imbalance(X, Y, n_neighbors=2)
    tensor([[0., 0.],
            [0., 1.],
            [0., 0.]])
    """
    relevant = keep_known(Y, known).to(torch.float32)
    imbalance = torch.zeros_like(relevant)
    for rows, near in search.blocks(X, n_neighbors):
        near = near.to(Y.device)
        of_them = None if known is None else known[near]
        imbalance[rows] = relevant[rows] * (1 - known_mean(relevant[near], of_them))
        if of_them is not None:
            imbalance[rows] *= of_them.any(1)
    return imbalance


def imbalance_weights(local: Tensor, Y: Tensor, known: Tensor | None = None) -> Tensor:
    """Weights of instances with locally rare minority labels (Hard-Imb [1]_, Eq. 1 and 4).

    A minority label has an IRLbl above MeanIR; labels without positives are left out of both.
    Per label, the local imbalance is divided by its sum over the instances, outliers (B = 1)
    left out; a label all of whose positives are outliers adds nothing.

    Parameters
    ----------
    local : Tensor of shape (n, q)
        B of the paper, from :func:`local_imbalance`.
    Y : Tensor of shape (n, q)
        0/1 in any dtype.
    known : Tensor of shape (n, q), bool, optional
        As for :func:`local_imbalance`: IRLbl_j is the largest number of known positives of a
        label over that of j.

    Returns
    -------
    Tensor of shape (n,), in the dtype of ``local``
        w = 1 + epsilon, at least 1.

    References
    ----------
    .. [1] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD.
    """
    ratios = imbalance_ratios(keep_known(Y, known))
    # Not above the mean by a rounding error only.
    minority = torch.isfinite(ratios) & (ratios > (1 + 1e-12) * mean_imbalance_ratio(ratios))
    inliers = torch.where(local < 1, local, 0)
    totals = inliers.sum(0)
    return 1 + inliers @ torch.where(minority & (totals > 0), 1 / totals, 0).to(local.dtype)


def closest_labels(Y: Tensor, known: Tensor | None = None) -> Tensor:
    """The labels that most often come with each label (Hard-Imb [1]_, section 3.5, appendix 6).

    Parameters
    ----------
    Y : Tensor of shape (n, q)
        0/1 in any dtype.
    known : Tensor of shape (n, q), bool, optional
        Conditional probabilities are over the instances of which both labels are known; Card is
        the sum over labels of the share of positives among their known cells.

    Returns
    -------
    Tensor of shape (q, ceil(Card)), int64
        Per label, where its row of the symmetric conditional probability matrix is largest, the
        lower index first among equals. Card is the mean number of labels per instance; there is
        one column at least. A label that comes with fewer others has its row filled up by labels
        that it never comes with, as the paper's "top" ones say.

    References
    ----------
    .. [1] Zhou et al. (2024). Multi-Label Adaptive Batch Selection by Highlighting Hard and
       Imbalanced Samples. ECML PKDD.
    """
    Y = keep_known(Y, known)
    counts = Y.sum(0, dtype=torch.float64)
    n_known = len(Y) if known is None else known.sum(0).clamp(min=1)
    # Rounded, so that the last bits of a sum of shares make no label more.
    cardinality = max(math.ceil(round(float((counts / n_known).sum()), 9)), 1)
    graph = cooccurrence_graph(Y, known)
    return graph.sort(dim=1, descending=True, stable=True).indices[:, :cardinality]


def balancing_weights(
    Y: Tensor, target: float, generator: Generator, known: Tensor | None = None
) -> Tensor:
    """Weights that give positives ``target`` of each label's mass in a batch (Hand et al. [1]_).

    Of the side that has more than its share, round(share * b) random entries keep the weight 1
    and the others get 0; all entries of the other side get its target share over its share of
    the batch. Where a label has only one side in the batch, that one is sub-sampled and nothing
    else happens.

    Parameters
    ----------
    Y : Tensor of shape (b, q)
        Labels of the batch, 0/1 in any dtype.
    target : float
        Share of the positives, in (0, 1).
    generator : torch.Generator
        On the device of Y.
    known : Tensor of shape (b, q), bool, optional
        Shares are those of a label's known cells, whose number takes the place of b; the others
        have weight 0.

    Returns
    -------
    Tensor of shape (b, q), float32

    References
    ----------
    .. [1] Hand et al. (2018). Doing the Best We Can With What We Have: Multi-Label Balancing With
       Selective Learning for Attribute Prediction. AAAI.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import balancing_weights
    >>> Y = torch.tensor([[1], [0], [0], [0]])
    >>> weights = balancing_weights(Y, 0.5, torch.Generator().manual_seed(0))
    >>> weights[0], weights[1:].sum()
    (tensor([2.]), tensor(2.))
    """
    positive = keep_known(Y > 0, known)
    share = known_mean(positive.to(torch.float64), known, dim=0)
    n_known = torch.full_like(share, len(Y)) if known is None else known.sum(0, dtype=share.dtype)
    excess = share > target
    n_kept = torch.where(excess, target * n_known, (1 - target) * n_known).round_()
    abundant = keep_known(positive == excess, known)
    # The random order of the abundant side of each label; the other side stands behind it.
    lots = torch.rand(Y.shape, generator=generator, device=Y.device, dtype=torch.float64)
    order = torch.where(abundant, lots, 2).argsort(dim=0).argsort(dim=0)
    scarce_share = torch.where(excess, 1 - share, share)
    scarce_target = torch.where(excess, 1 - target, target)
    raised = (scarce_target / scarce_share).to(torch.float32)
    return keep_known(torch.where(abundant, (order < n_kept).to(torch.float32), raised), known)
