"""Which instances an epoch leaves out: InfoBatch and Selective-Backprop."""

import torch
from torch import Tensor


def below_mean(losses: Tensor, known: Tensor | None = None) -> Tensor:
    """Whether the loss of an instance is below the mean of all (InfoBatch [1]_).

    Parameters
    ----------
    losses : Tensor of shape (n,)
    known : Tensor of shape (n, q), bool, optional
        Instances of which nothing is known have no part in the mean.

    Returns
    -------
    Tensor of shape (n,), bool
        The mean is taken in double precision.

    References
    ----------
    .. [1] Qin et al. (2024). InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data
       Pruning. ICLR.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import below_mean
    >>> below_mean(torch.tensor([0.1, 0.2, 0.9]))
    tensor([ True,  True, False])
    """
    losses = losses.to(torch.float64)
    counted = losses if known is None else losses[known.any(1)]
    return losses < counted.sum() / max(len(counted), 1)


def percentile_chances(losses: Tensor, kept_share: float) -> Tensor:
    """Probability that an instance is trained on, by its loss (Selective-Backprop [1]_).

    CDF(l)^beta, with CDF(l) the share of losses that are at most l, and beta = 1 / kept_share - 1:
    the mean of u^beta over u in [0, 1] is 1 / (1 + beta).

    Parameters
    ----------
    losses : Tensor of shape (n,)
    kept_share : float
        In (0, 1].

    Returns
    -------
    Tensor of shape (n,), float64
        In (0, 1], but for underflow; 1 of the highest loss. They are independent: in sum they
        need not be 1.

    References
    ----------
    .. [1] Jiang et al. (2019). Accelerating Deep Learning by Focusing on the Biggest Losers.
       arXiv:1910.00762.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import percentile_chances
    >>> percentile_chances(torch.tensor([0.3, 0.1, 0.9, 0.1]), kept_share=0.5)
    tensor([0.7500, 0.5000, 1.0000, 0.5000], dtype=torch.float64)
    """
    _, place, counts = torch.unique(losses, return_inverse=True, return_counts=True)
    shares = counts.cumsum(0).to(torch.float64) / len(losses)
    chances: Tensor = shares[place] ** (1 / kept_share - 1)
    return chances
