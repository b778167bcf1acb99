"""When HST begins to take labels over, and from what."""

from typing import Any

import torch
from skorch.callbacks import Callback

from skd2ace._devices import full_device
from skd2ace._modules import unwrap_compiled

from ._counting import count_selected


class LabelTransfer(Callback):
    """Turn the transfer of labels on in a network whose head is :class:`~skd2ace.networks.HST`.

    In the first epoch the terms of co-occurrence and of pairs of images come in batch by batch.
    Before epoch ``start`` + 1, and every ``every`` epochs from then on, each label's prototypes
    are made of the features of its known positives, in a pass over the training part; from then
    on labels are taken over.

    Parameters
    ----------
    start : int, default=5
        Epochs without.
    every : int, default=5
        Epochs between prototypes.

    Examples
    --------
    >>> from skd2ace import ImageClassifier
    >>> from skd2ace.training import LabelTransfer
    >>> est = ImageClassifier(
    ...     "resnet101", head="hst", callbacks__label_transfer=LabelTransfer(start=10)
    ... )
    """

    def __init__(self, start: int = 5, every: int = 5) -> None:
        self.start = start
        self.every = every

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Set what the head does in this epoch, and make prototypes where they are due."""
        head = unwrap_compiled(net.module_).head
        epoch = len(net.history) - 1
        self.batch_ = 0
        self.n_batches_ = len(net.get_iterator(dataset_train, training=True))
        head.ramp, head.transfers = 1.0, epoch >= self.start
        if head.transfers and (epoch - self.start) % self.every == 0:
            seed = getattr(net, "torch_seed_", 0) % 2**32
            head.set_prototypes(_known_positives(net, dataset_train), seed)

    def on_batch_begin(self, net: Any, training: bool | None = None, **kwargs: Any) -> None:
        """Let the terms come in during the first epoch."""
        if training and len(net.history) == 1:
            n_batches = count_selected(net) or self.n_batches_
            unwrap_compiled(net.module_).head.ramp = min(self.batch_ / n_batches, 1.0)
            self.batch_ += 1


def _known_positives(net: Any, dataset: Any) -> list[torch.Tensor]:
    """Features (n_j, m) of the known positives of each label j, in evaluation mode."""
    module = unwrap_compiled(net.module_)
    found: list[list[torch.Tensor]] = [[] for _ in module.head.label_graph]
    was_training = module.training
    module.eval()
    with torch.no_grad():
        for X, Y in net.get_iterator(dataset, training=False):
            features = module.head.label_features(module.backbone(X.to(full_device(net.device))))
            for label, of_label in enumerate(found):
                of_label.append(features[Y[:, label] == 1, label].cpu())
    module.train(was_training)
    return [torch.cat(parts) for parts in found]
