"""Sums and means that leave out what is not known."""

from torch import Tensor

from skd2ace._labels import keep_known


def known_mean(values: Tensor, known: Tensor | None, dim: int = 1) -> Tensor:
    """Mean over the known cells of each instance, or of each label.

    Parameters
    ----------
    values : Tensor of shape (n, q)
        Floating point; anything in cells that are not known.
    known : Tensor of shape (n, q), bool, or None
        None: all are.
    dim : int, default=1
        1 for a mean per instance, 0 for one per label.

    Returns
    -------
    Tensor of shape (n,) or (q,)
        The sum of known_ij values_ij over that of known_ij; 0 where nothing is known.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection.functional import known_mean
    >>> losses = torch.tensor([[1.0, 3.0], [5.0, 0.0], [0.0, 0.0]])
    >>> known_mean(losses, torch.tensor([[True, True], [True, False], [False, False]]))
    tensor([2., 5., 0.])
    """
    if known is None:
        return values.mean(dim)
    return keep_known(values, known).sum(dim) / known.sum(dim).clamp(min=1)
