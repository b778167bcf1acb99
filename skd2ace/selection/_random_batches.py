"""Plain shuffling."""

from ._base import BatchSelector


class RandomBatches(BatchSelector):
    """Shuffle all instances anew each epoch and cut them into batches.

    The baseline of every comparison, and what training does where no selector is given. Each
    instance is seen exactly once an epoch. Time O(n) per epoch, no state.

    See Also
    --------
    D2ACE : Batches of uncertain, then of hard instances.

    Examples
    --------
    >>> import torch
    >>> from skd2ace.selection import RandomBatches
    >>> selector = RandomBatches()
    >>> X, Y = torch.zeros(5, 2), torch.zeros(5, 3)
    >>> selector = selector.start(X, Y, n_epochs=1, batch_size=2, random_state=0)
    >>> [len(index) for index in selector.batches(0)]
    [2, 2, 1]
    """
