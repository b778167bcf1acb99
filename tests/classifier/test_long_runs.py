"""Memory over many epochs: the history grows by what the docs say, and nothing else does."""

import gc
import tracemalloc
from pathlib import Path

import pytest
from skorch.callbacks import Callback

from skd2ace.selection import D2ACE

STATUS = Path("/proc/self/statm")
PAGE = 4096


class MeasuresMemory(Callback):
    """Python's own memory and the whole process's, in bytes, at the given epochs."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_train_begin(self, net, **kwargs):
        self.python_, self.process_ = [], []
        tracemalloc.start()

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) in self.epochs:
            gc.collect()
            self.python_.append(tracemalloc.get_traced_memory()[0])
            self.process_.append(int(STATUS.read_text().split()[1]) * PAGE)

    def on_train_end(self, net, **kwargs):
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="the memory of a process is read as Linux shows it")
def test_600_epochs(make, data):
    first, last, n_batches = 300, 600, 5
    selector = D2ACE(n_neighbors=3, warmup_epochs=2)
    measures = ("memory", MeasuresMemory((first, last)))
    est = make(max_epochs=last, batch_selector=selector, callbacks=[measures]).fit(*data)
    assert len(est.history[0]["batches"]) == n_batches
    memory = dict(est.callbacks_)["memory"]
    python, process = (
        (after - before) / (last - first) for before, after in (memory.python_, memory.process_)
    )
    # docs/reliability.md: about 1 kB per epoch and 0.4 kB per step, all of it history.
    assert python < 1400 + 450 * n_batches
    # Whoever allocates for the process takes more than it was asked for, in large pieces.
    assert process < 3 * python
