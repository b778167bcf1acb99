"""What is measured beside the scores: seconds of selection, peak memory, where and with what."""

import os
import platform
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skd2ace._seeding import RandomState
from skd2ace.selection import BatchSelector
from skd2ace.training import BatchSelection, SelectedBatches

_PACKAGES = (
    "skd2ace", "torch", "skorch", "scikit-learn", "iterative-stratification", "numpy", "scipy",
)  # fmt: skip
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class TimedBatchSelection(BatchSelection):
    """Batch selection that adds up what selecting takes, in ``seconds_``, and tells of epochs.

    The host's seconds: on a GPU, work that is still under way when a call returns is not counted.

    Parameters
    ----------
    selector, random_state
        As for :class:`~skd2ace.training.BatchSelection`.
    tell_epoch : callable, optional
        Called with the number of each epoch that has ended.
    """

    def __init__(
        self,
        selector: BatchSelector | None = None,
        random_state: RandomState = None,
        tell_epoch: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(selector, random_state)
        self.tell_epoch = tell_epoch

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Begin to count."""
        super().on_train_begin(net, **kwargs)
        self.seconds_ = 0.0

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, **kwargs: Any) -> None:
        """Time the start; what the epoch asks of the selector is timed too."""
        begin = time.perf_counter()
        super().on_epoch_begin(net, dataset_train=dataset_train, **kwargs)
        self.seconds_ += time.perf_counter() - begin

    def _select(self, batches: SelectedBatches, selector: BatchSelector, epoch: int) -> None:
        batches.select(_Timed(selector, self), epoch)

    def on_batch_end(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Time what the selector makes of the step."""
        begin = time.perf_counter()
        super().on_batch_end(net, *args, **kwargs)
        self.seconds_ += time.perf_counter() - begin

    def on_epoch_end(self, net: Any, *args: Any, **kwargs: Any) -> None:
        """Time the pass over all instances, for a selector that wants one, and tell."""
        begin = time.perf_counter()
        super().on_epoch_end(net, *args, **kwargs)
        self.seconds_ += time.perf_counter() - begin
        if self.tell_epoch is not None:
            self.tell_epoch(len(net.history))


class _Timed:
    """What an iterator asks of a selector, timed."""

    def __init__(self, selector: Any, clock: TimedBatchSelection) -> None:
        self.selector = selector
        self.clock = clock
        self.name = type(selector).__name__

    def batches(self, epoch: int) -> Iterator[Tensor]:
        batches = self.selector.batches(epoch)
        while (index := self._timed(lambda: next(batches, None))) is not None:
            yield index

    def count_batches(self, epoch: int) -> int:
        return self._timed(lambda: self.selector.count_batches(epoch))

    def loss_weights(self, index: Tensor, Y: Tensor) -> Tensor | None:
        return self._timed(lambda: self.selector.loss_weights(index, Y))

    def _timed(self, call: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        try:
            return call()
        finally:
            self.clock.seconds_ += time.perf_counter() - begin


def reset_peak_memory(device: str) -> None:
    """Begin to measure the memory that is taken from here on at most."""
    if device.startswith("cuda"):
        torch.cuda.init()
        torch.cuda.reset_peak_memory_stats(device)
    elif _is_measurable():
        # Linux then begins anew with VmHWM.
        _RESET.write_text("5")


def read_peak_memory(device: str) -> float | None:
    """Read how many MB were held at most since the reset: by the GPU, or the process (on Linux)."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 1e6
    if not _is_measurable():
        return None
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024 / 1e6


def _is_measurable() -> bool:
    """Whether the process's memory is that of one fit, and Linux lets it be measured."""
    alone = threading.current_thread() is threading.main_thread()
    return alone and os.access(_RESET, os.W_OK) and "VmHWM" in _STATUS.read_text()


def describe_surroundings() -> dict[str, Any]:
    """Describe versions, machine, and the commit of the source, if that is in a git checkout.

    "-dirty" if it is changed there.
    """
    return {
        "versions": {"python": platform.python_version()}
        | {p: _find_version(p) for p in _PACKAGES},
        "git_commit": _find_commit(),
        "pid": os.getpid(),
        "machine": f"{platform.node()} {platform.machine()}, {torch.get_num_threads()} threads",
    }


def _find_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _find_commit() -> str | None:
    here = Path(__file__)
    # Installed into another project's folder, this file is none of that project's.
    return _ask_git(here, "ls-files", "--error-unmatch", here.name) and _ask_git(
        here, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"
    )


def _ask_git(file: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(file.parent), *arguments]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ran.stdout.strip() if ran.returncode == 0 else None
