"""Training through skorch: data on the device, batches by selection, callbacks.

Everything here works with a plain skorch net as well as with
:class:`~skd2ace.MultiLabelNetClassifier`; the example of :class:`BatchSelection` shows how.
"""

from ._batches import Batch, BatchIterator
from ._best_epoch import BestEpoch
from ._checkpointing import Checkpointing
from ._data import TensorDataset
from ._decay import LinearDecay
from ._dynamics import TrainingDynamics
from ._epoch import EpochRecord
from ._label_transfer import LabelTransfer
from ._out_of_bag import OutOfBagScore
from ._selected_batches import SelectedBatches
from ._selection import BatchSelection
from ._warmup import LinearWarmup
from ._weight_average import WeightAverage

__all__ = [
    "Batch",
    "BatchIterator",
    "BatchSelection",
    "BestEpoch",
    "Checkpointing",
    "EpochRecord",
    "LabelTransfer",
    "LinearDecay",
    "LinearWarmup",
    "OutOfBagScore",
    "SelectedBatches",
    "TensorDataset",
    "TrainingDynamics",
    "WeightAverage",
]
