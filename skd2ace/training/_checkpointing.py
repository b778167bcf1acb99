"""Checkpoints from which a training that died goes on to the same bits."""

import os
import warnings
from numbers import Integral
from pathlib import Path
from typing import Any

from sklearn.utils import check_scalar
from skorch.callbacks import Callback, PrintLog
from torch import nn

from skd2ace._archive import ArchiveError, read_archive, write_archive
from skd2ace._describe import NEW_SINCE_0_1, describe, describe_architecture, digest
from skd2ace._devices import full_device
from skd2ace._processes import from_first, is_first
from skd2ace._seeding import generator_states

from ._selected_batches import SelectedBatches
from ._state import training_state

# The newest and, should it be damaged, the one before.
_N_KEPT = 2
_KIND = "checkpoint"
# Parameters that may be others when the training goes on.
_OF_NO_MATTER = ("callbacks", "device", "verbose", "warm_start", "use_caching")
_BESIDE_X_AND_Y = ("cell_weight", "neighbor_features")
# Until then it served what was selected too.
_BATCH_ITERATOR_OF_0_1 = "skd2ace.training._batches.BatchIterator"


class Checkpointing(Callback):
    """Write the whole state of a training to a folder, every few epochs.

    ``fit(X, y, resume=directory)`` goes on from there, with the same settings and data, and ends
    with the weights, on a CPU bit for bit, of a training that was never interrupted. A checkpoint
    holds weights, optimizer, learning-rate schedules, selector, generators of random numbers,
    history, the best epoch so far and what other callbacks know; it is a zip of JSON and
    safetensors, from which no code is run. It is written beside its place and renamed when it is
    on the disk. The two newest are kept.

    Parameters
    ----------
    directory : str or path
        Made if it is not there. One folder for each training.
    every_n_epochs : int, default=1
        The last of ``max_epochs`` is written in any case.

    Raises
    ------
    ValueError
        In training, if the folder already holds checkpoints of later epochs and the training does
        not go on from them, or if this is not the last of the net's callbacks: what others do
        after it would be missing.

    See Also
    --------
    skd2ace.MultiLabelNetClassifier.fit : ``resume``.
    skd2ace.MultiLabelNetClassifier.save : For a training that has ended.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skd2ace import CLIFClassifier
    >>> from skd2ace.training import Checkpointing
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     est = CLIFClassifier(
    ...         callbacks=[Checkpointing(folder)], max_epochs=3, random_state=0, verbose=0
    ...     )
    ...     # The same line starts a training and, after a crash, goes on with it.
    ...     len(est.fit(X, Y, resume=folder).history)
    3
    """

    def __init__(self, directory: str | os.PathLike[str], every_n_epochs: int = 1) -> None:
        self.directory = directory
        self.every_n_epochs = every_n_epochs

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:
        """Check parameters and order, and take the data's fingerprint."""
        check_scalar(self.every_n_epochs, "every_n_epochs", Integral, min_val=1)
        *_, last = (
            callback for _, callback in net.callbacks_ if not isinstance(callback, PrintLog)
        )
        if last is not self:
            raise ValueError(
                f"Checkpointing must be the last of the callbacks, {type(last).__name__} is: what "
                "others do after it would be missing in the file."
            )
        self.fingerprint_ = fingerprint(net, X, y)
        self.resumed_ = False
        if is_first():
            # What a process left that was killed while it wrote.
            for path in Path(self.directory).glob("epoch-*.tmp"):
                path.unlink(missing_ok=True)

    def on_epoch_begin(self, net: Any, **kwargs: Any) -> None:
        """Refuse to mix two trainings in one folder."""
        epoch = len(net.history)
        later = [path for path in checkpoints(self.directory) if _epoch(path) >= epoch]
        if later and not self.resumed_:
            raise ValueError(
                f"{self.directory} holds checkpoints of another training, {later[-1].name}: go on "
                "from them with fit(..., resume=directory), or take another folder."
            )

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Write a checkpoint, if it is time for one."""
        epoch, last = len(net.history), getattr(net, "last_epoch_", None)
        if epoch % self.every_n_epochs and epoch != last:
            return
        # From here on the training is that of this folder.
        self.resumed_ = True
        if is_first():
            self._write(net, epoch, last)

    def _write(self, net: Any, epoch: int, last: int | None) -> None:
        folder = Path(self.directory)
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "fingerprint": self.fingerprint_,
            "last_epoch": last,
            "trained_on": list(getattr(net, "_trained_on", ())),
            "generators": generator_states(full_device(net.device)),
            "training": training_state(net),
        }
        write_archive(folder / f"epoch-{epoch:06d}.skd2ace", _KIND, content)
        for old in checkpoints(folder)[:-_N_KEPT]:
            old.unlink(missing_ok=True)


def checkpoints(directory: str | os.PathLike[str]) -> list[Path]:
    """Checkpoints in a folder, the newest last; none where there is no folder."""
    return sorted(Path(directory).glob(f"epoch-{6 * '[0-9]'}.skd2ace"))


def newest_checkpoint(directory: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Read the newest good checkpoint, or None where there is none at all.

    Of several processes that train together the first reads for all.

    Warns
    -----
    UserWarning
        Of each that is damaged, by name.

    Raises
    ------
    ArchiveError
        If all are damaged.
    """
    return from_first(lambda: _read_newest(directory))


def _read_newest(directory: str | os.PathLike[str]) -> dict[str, Any] | None:
    found = checkpoints(directory)
    for path in reversed(found):
        try:
            return read_archive(path, _KIND)
        except ArchiveError as error:
            warnings.warn(f"{error} The checkpoint before it is used.", stacklevel=4)
    if found:
        raise ArchiveError(f"No checkpoint in {directory} can be read; see the warnings.")
    return None


def fingerprint(net: Any, X: Any, y: Any) -> dict[str, str]:
    """What a training must have in common with the one it goes on from: settings and data."""
    settings = {
        name: describe(value)
        for name, value in net.get_params(deep=True).items()
        if name.partition("__")[0] not in _OF_NO_MATTER
    }
    if isinstance(net.module, nn.Module):
        # Its weights come from the checkpoint; what it begins with may be others each time.
        settings["module"] = describe_architecture(net.module)
    backbone = getattr(net, "backbone", None)
    if isinstance(backbone, nn.Module) and not getattr(net, "_computes_by_backbone", True):
        settings["backbone"] = describe_architecture(backbone)
    given = [getattr(getattr(net, "_data", None), name, None) for name in _BESIDE_X_AND_Y]
    data = (X, y) if all(part is None for part in given) else (X, y, *given)
    return {"estimator": type(net).__name__, **settings, "data": digest(data)}


def check_same_training(
    directory: str | os.PathLike[str], checkpoint: dict[str, Any], net: Any, X: Any, y: Any
) -> None:
    """Raise a ValueError if a checkpoint is of a training with other settings or data."""
    written, present = map(_bring_up_to_date, (checkpoint["fingerprint"], fingerprint(net, X, y)))
    for name in sorted(written.keys() | present.keys()):
        if written.get(name) != present.get(name):
            raise ValueError(
                f"The checkpoint in {directory} is of a training with other {name}: "
                f"{written.get(name)} there, {present.get(name)} here."
            )


def _bring_up_to_date(fingerprint: dict[str, str]) -> dict[str, str]:
    of_0_1 = {name: describe(value) for name, value in NEW_SINCE_0_1.items()}
    fingerprint = {
        name: value
        for name, value in fingerprint.items()
        if of_0_1.get(name.rpartition("__")[2]) != value
    }
    if fingerprint.get("iterator_train") != _BATCH_ITERATOR_OF_0_1:
        return fingerprint
    return {**fingerprint, "iterator_train": describe(SelectedBatches)}


def _epoch(path: Path) -> int:
    return int(path.stem.removeprefix("epoch-"))
