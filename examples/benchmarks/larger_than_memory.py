"""Training from a file compared with training in memory: seconds, and anonymous memory.

    python examples/benchmarks/larger_than_memory.py --folder /var/tmp --gigabytes 3

Makes a file of random features, float32, which is deleted at the end, and random labels. With
rows that are shuffled, shuffled by blocks, or selected by D2ACE (without neighbours), rounds of
training in turn in memory and from the file, which the page cache has by then: printed are seconds
of an epoch, the median over rounds, and the speed from the file as a share of that in memory, by
round; and the same by CPU seconds of all threads, which programs beside it touch less. Then an
epoch from the file after the page cache was told to forget it (Linux). Last the most anonymous
memory (RssAnon) that a process of its own has while it trains from the file, and in memory.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn

from skd2ace import MultiLabelNetClassifier
from skd2ace.selection import D2ACE, BatchSelector

BATCH_SIZE = 256
N_LABELS = 20
ROWS_AT_ONCE = 10_000


class ShuffledBlocks(BatchSelector):
    """Shuffle blocks of consecutive rows, and then the rows of some blocks among each other."""

    def __init__(self, block_size=1024, n_blocks=16):
        self.block_size = block_size
        self.n_blocks = n_blocks

    def _shuffle(self, rows):
        return rows[torch.randperm(len(rows), generator=self.generator_)]

    def _order(self, epoch):
        blocks = torch.arange(self.n_instances_).split(self.block_size)
        groups = self._shuffle(torch.arange(len(blocks))).split(self.n_blocks)
        return torch.cat([self._shuffle(torch.cat([blocks[i] for i in g])) for g in groups])


# Selector, and the epochs of which the last is timed.
CASES = {
    "shuffled": (None, 1),
    "shuffled by blocks": (ShuffledBlocks(), 1),
    "selected": (D2ACE(n_neighbors=0, warmup_epochs=1, history_dtype="float16"), 2),
}


def make_files(folder, gigabytes, n_features):
    """Write X a part at a time, and Y."""
    rng = np.random.default_rng(0)
    n = int(gigabytes * 1e9 / 4 / n_features)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (n, n_features))
    for start in range(0, n, ROWS_AT_ONCE):
        part = X[start : start + ROWS_AT_ONCE]
        part[:] = rng.random(part.shape, dtype=np.float32)
    X.flush()
    np.save(folder / "Y.npy", rng.random((n, N_LABELS), dtype=np.float32) < 0.1)


def open_features(folder, place):
    return np.load(folder / "X.npy", mmap_mode="r" if place == "file" else None)


def mlp(n_features, n_labels):
    return nn.Sequential(nn.Linear(n_features, 64), nn.ReLU(), nn.Linear(64, n_labels))


class CPUTimer(Callback):
    """Notes CPU seconds of the last epoch."""

    def on_epoch_begin(self, net, **kwargs):
        self.begin = time.process_time()

    def on_epoch_end(self, net, **kwargs):
        self.seconds_ = time.process_time() - self.begin


def train(X, Y, case):
    """Seconds of the last epoch, and CPU seconds."""
    selector, n_epochs = CASES[case]
    timer = CPUTimer()
    est = MultiLabelNetClassifier(
        mlp,
        batch_selector=selector,
        batch_size=BATCH_SIZE,
        max_epochs=n_epochs,
        train_split=None,
        optimizer__fused=True,
        callbacks=[timer],
        random_state=0,
        verbose=0,
    )
    return est.fit(X, Y).history[-1]["dur"], dict(est.callbacks_)["CPUTimer"].seconds_


def compare(folder, n_rounds):
    """Print seconds with the file in the page cache."""
    X, Y = open_features(folder, "memory"), np.load(folder / "Y.npy")
    print("seconds of an epoch      memory      file   file's share of the speed in memory")
    for case in CASES:
        rounds = [
            (train(X, Y, case), train(open_features(folder, "file"), Y, case))
            for _ in range(n_rounds)
        ]
        for name, kind in ((case, 0), ("  CPU seconds", 1)):
            pairs = [(memory[kind], file[kind]) for memory, file in rounds]
            memory, file = map(statistics.median, zip(*pairs, strict=True))
            shares = sorted(memory / file for memory, file in pairs)
            shown = " ".join(f"{share:.2f}" for share in shares)
            share = statistics.median(shares)
            print(f"{name:20}{memory:11.1f}{file:10.1f}{share:8.2f}   ({shown})", flush=True)


def evict(path):
    """Have the page cache forget a file that nobody has mapped."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure_cold(folder):
    Y = np.load(folder / "Y.npy")
    for case in ("shuffled", "shuffled by blocks"):
        evict(folder / "X.npy")
        seconds, _ = train(open_features(folder, "file"), Y, case)
        print(f"{case + ', cold':25}{'':6}{seconds:10.1f}", flush=True)


def anonymous_memory():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1))


def train_watched(folder, place, case):
    """Print the most anonymous memory, looked at twenty times a second."""
    found, ended = [anonymous_memory()], threading.Event()

    def watch():
        while not ended.wait(0.05):
            found.append(anonymous_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    train(open_features(folder, place), np.load(folder / "Y.npy"), case)
    ended.set()
    watcher.join()
    print(max(found))


def compare_memory(folder):
    print("RssAnon, MB              memory      file")
    for case in ("shuffled", "selected"):
        most = {}
        for place in ("memory", "file"):
            command = [sys.executable, __file__, "--watch", str(folder), place, case]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            most[place] = int(printed) / 1e6
        print(f"{case:20}{most['memory']:11.0f}{most['file']:10.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=tempfile.gettempdir())
    parser.add_argument("--gigabytes", type=float, default=3)
    parser.add_argument("--features", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--watch", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.watch:
        folder, place, case = args.watch
        train_watched(Path(folder), place, case)
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        make_files(Path(folder), args.gigabytes, args.features)
        size = (Path(folder) / "X.npy").stat().st_size / 1e9
        threads = torch.get_num_threads()
        print(f"X of {size:.1f} GB; CPU, {threads} threads, torch {torch.__version__}")
        compare(Path(folder), args.rounds)
        measure_cold(Path(folder))
        compare_memory(Path(folder))


if __name__ == "__main__":
    main()
