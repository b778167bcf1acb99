"""How uncertain and how hard each (instance, label) pair is: equations 1-5."""

import math
from itertools import pairwise

import torch
from torch import Tensor


def binary_entropy(proba: Tensor) -> Tensor:
    """Entropy of a binary prediction (Eq. 1).

    Parameters
    ----------
    proba : Tensor of any shape
        Probabilities in [0, 1].

    Returns
    -------
    Tensor of the same shape
        In bits: 1 at p = 0.5, and 0 at p = 0 and p = 1.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import binary_entropy
    >>> binary_entropy(torch.tensor([0.0, 0.5, 1.0]))
    tensor([0., 1., 0.])
    """
    # entr(0) is 0: the limit, where a plain product would be NaN.
    return torch.special.entr(proba).add_(torch.special.entr(1 - proba)).div_(math.log(2))


def fluctuation(history: Tensor) -> Tensor:
    """Mean absolute change between adjacent predictions (Eq. 2).

    Parameters
    ----------
    history : Tensor of shape (w, n, q)
        Probabilities, newest last; NaN where nothing has been predicted yet. Half precision is
        computed with in single precision.

    Returns
    -------
    Tensor of shape (n, q)
        In [0, 1], over the pairs of adjacent entries that both exist; 0 where there is none.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import fluctuation
    >>> history = torch.tensor([[[float("nan")]], [[0.2]], [[0.6]]])
    >>> fluctuation(history)
    tensor([[0.4000]])
    """
    dtype = _compute_dtype(history)
    total = history.new_zeros(history.shape[1:], dtype=dtype)
    n_pairs = torch.zeros_like(total)
    # One pair at a time: the window is short, and all pairs at once would hold w - 1 more copies.
    for before, after in pairwise(history):
        change = (after.to(dtype) - before.to(dtype)).abs_()
        n_pairs += ~change.isnan()
        total += change.nan_to_num_(nan=0.0)
    return total.div_(n_pairs.clamp_(min=1))


def uncertainty(history: Tensor, entropy_weight: float = 0.5) -> Tensor:
    """Entropy of the newest prediction mixed with its recent fluctuation (Eq. 3).

    Parameters
    ----------
    history : Tensor of shape (w, n, q)
        As for :func:`fluctuation`. An instance that was never seen counts as p = 0.5.
    entropy_weight : float, default=0.5
        Lambda 1 of the paper, in [0, 1]: the share of the entropy.

    Returns
    -------
    Tensor of shape (n, q)
        In [0, 1].
    """
    newest = history[-1].to(_compute_dtype(history)).nan_to_num(nan=0.5)
    entropy = binary_entropy(newest).mul_(entropy_weight)
    return entropy.add_(fluctuation(history), alpha=1 - entropy_weight)


def update_flip_rate(
    flip_rate: Tensor, before: Tensor, now: Tensor, smoothing: float = 0.7
) -> Tensor:
    """Moving average of how often the prediction, thresholded at 0.5, changes (Eq. 4)."""
    before, now = before.to(flip_rate.dtype), now.to(flip_rate.dtype)
    flip = ((now >= 0.5) != (before >= 0.5)) & ~before.isnan()
    return flip_rate * (1 - smoothing) + smoothing * flip.to(flip_rate.dtype)


def hardness(losses: Tensor, flip_rate: Tensor) -> Tensor:
    """Loss discounted by how often the prediction flips, which noise does (Eq. 5)."""
    return losses * (1 - flip_rate)


def prediction_deviation(visits: Tensor, squares: Tensor) -> Tensor:
    """Standard deviation of past predictions with its confidence term (Active Bias [1]_).

    sqrt(var + var^2 / (m - 1)), with var the population variance of m predictions: it is larger
    where few predictions have been made.

    Parameters
    ----------
    visits : Tensor of shape (n,)
        m, the number of predictions of each instance.
    squares : Tensor of shape (n, q)
        Sum of their squared differences from their mean.

    Returns
    -------
    Tensor of shape (n, q)
        0 where m is 0 or 1.

    References
    ----------
    .. [1] Chang et al. (2017). Active Bias: Training More Accurate Neural Networks by Emphasizing
       High Variance Samples. NeurIPS.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import prediction_deviation
    >>> predictions = torch.tensor([0.2, 0.6])
    >>> squares = (predictions - predictions.mean()).square().sum().reshape(1, 1)
    >>> prediction_deviation(torch.tensor([2]), squares)  # var = 0.04
    tensor([[0.2040]])
    """
    visits = visits[:, None].to(squares.dtype)
    variance = squares / visits.clamp(min=1)
    # With one visit the sum of squares is 0, whatever it is divided by.
    return (variance + variance.square() / (visits - 1).clamp(min=1)).sqrt_()


def _compute_dtype(history: Tensor) -> torch.dtype:
    return torch.float32 if history.dtype in (torch.float16, torch.bfloat16) else history.dtype
