"""What a network's ``training_loss`` returns."""

from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from skd2ace._labels import keep_known


class LossOutput(NamedTuple):
    """The outcome of one training step's forward pass.

    Attributes
    ----------
    loss : Tensor, scalar
        What to minimise.
    logits : Tensor of shape (b, q)
        The prediction; its sigmoid is the probability.
    label_losses : Tensor of shape (b, q)
        Binary cross-entropy of the prediction in nats, neither reduced nor weighted; 0 of labels
        that are not known.
    terms : dict of str to scalar Tensor
        The named parts of the loss, for the history.

    Examples
    --------
    A network with a loss of its own, here for labels that are relevant only rarely; it takes no
    notice of labels that are not known:

    >>> import torch
    >>> from skd2ace.networks import LossOutput, known_labels, label_losses, weighted_mean
    >>> class Sparse(torch.nn.Linear):
    ...     def training_loss(self, X, Y, weights=None):
    ...         logits = self(X)
    ...         losses = label_losses(logits, *known_labels(Y))
    ...         bce, size = weighted_mean(losses, weights), logits.sigmoid().mean()
    ...         return LossOutput(bce + 0.1 * size, logits, losses, {"bce": bce, "size": size})
    >>> out = Sparse(5, 3).training_loss(torch.rand(4, 5), torch.zeros(4, 3))
    >>> out.label_losses.shape
    torch.Size([4, 3])
    """

    loss: Tensor
    logits: Tensor
    label_losses: Tensor
    terms: dict[str, Tensor]


def known_labels(Y: Tensor) -> tuple[Tensor, Tensor]:
    """Labels to compute with, and which of them are known.

    Parameters
    ----------
    Y : Tensor of shape (b, q), floating point
        0/1, or NaN where a label is not known.

    Returns
    -------
    labels : Tensor of shape (b, q)
        Y with 0 in the place of NaN, which must not reach the arithmetic: 0 times it is NaN too.
    known : Tensor of shape (b, q), bool

    Examples
    --------
    >>> import torch
    >>> from skd2ace.networks import known_labels
    >>> known_labels(torch.tensor([[1.0, torch.nan], [0.0, 1.0]]))
    (tensor([[1., 0.],
            [0., 1.]]), tensor([[ True, False],
            [ True,  True]]))
    """
    known = ~Y.isnan()
    return keep_known(Y, known), known


def label_losses(logits: Tensor, labels: Tensor, known: Tensor | None = None) -> Tensor:
    """Binary cross-entropy (b, q) in nats, 0 of labels that are not known.

    Parameters
    ----------
    logits : Tensor of shape (b, q)
    labels, known
        From :func:`known_labels`.

    Returns
    -------
    Tensor of shape (b, q)
    """
    losses = binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return keep_known(losses, known)


def weighted_mean(losses: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of losses (b, q), each multiplied by its weight first.

    Parameters
    ----------
    losses : Tensor of shape (b, q)
    weights : Tensor of shape (b,) or (b, q), optional
        Per instance, or per instance and label. The sum is divided by b q whatever the weights.

    Returns
    -------
    Tensor, scalar
    """
    if weights is None:
        return losses.mean()
    return (losses * (weights if weights.ndim == 2 else weights[:, None])).mean()


def label_sum(losses: Tensor, weights: Tensor | None = None) -> Tensor:
    """Losses (b, q), each multiplied by its weight, summed over labels, averaged over instances.

    Parameters
    ----------
    losses : Tensor of shape (b, q)
    weights : Tensor of shape (b,) or (b, q), optional

    Returns
    -------
    Tensor, scalar
    """
    return weighted_mean(losses, weights) * losses.shape[1]


def instance_mean(
    losses: Tensor, weights: Tensor | None = None, instance_weights: Tensor | None = None
) -> Tensor:
    """Mean of losses (b,) that belong to instances, not to labels.

    Parameters
    ----------
    losses : Tensor of shape (b,)
    weights : Tensor of shape (b,) or (b, q), optional
        Those of shape (b,) multiply the losses, those of labels do not concern them.
    instance_weights : Tensor of shape (b,), optional
        Multiply the losses beside weights of labels; without meaning beside weights (b,).

    Returns
    -------
    Tensor, scalar
    """
    if weights is not None and weights.ndim == 1:
        instance_weights = weights
    return (losses if instance_weights is None else losses * instance_weights).mean()
