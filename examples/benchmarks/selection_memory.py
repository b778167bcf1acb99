"""Bytes and seconds of D2ACE by the number of instances and labels, and how they grow.

    python examples/benchmarks/selection_memory.py

For each size: bytes of state per cell (instance, label), the most memory an epoch takes on top of
that, in all and as a share of the state, and seconds to make an epoch's probabilities. Memory is
that of the process, once as it is (glibc keeps of freed blocks more than it uses again) and once
where what is freed goes back at once (MALLOC_MMAP_THRESHOLD_), so that it is what D2ACE asks for.
What a selector keeps from an epoch on is not on top, and a small one is run first: libraries take
some 10 MB for themselves. Labels are random with four to an instance, neighbours are left out
(``n_neighbors=0``), and predictions are random; both are made and told a part at a time. Each size
is measured in processes of its own. Last come the least and most of bytes of state and of time per
cell, the same at all sizes if they grew as n q.
"""

import argparse
import ctypes
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import torch

from skd2ace.selection import D2ACE
from skd2ace.selection import functional as F

SIZES = ("10000x10", "10000x100", "100000x100", "10000x1000", "1000000x10", "10000x4000")


def memory(name):
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{name}:\s+(\d+) kB", status).group(1))


def reset_peak():
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def make_labels(n, q):
    generator = torch.Generator().manual_seed(0)
    Y = torch.zeros(n, q, dtype=torch.int8)
    return Y.scatter_(1, torch.randint(q, (n, 4), generator=generator), 1)


def state_bytes(selector):
    kept = [*vars(selector).values(), *getattr(selector, "distributions_", {}).values()]
    tensors = [value for value in kept if isinstance(value, torch.Tensor)]
    parts = [
        (t.crow_indices(), t.col_indices(), t.values()) if t.layout is torch.sparse_csr else (t,)
        for t in tensors
    ]
    return sum(part.nbytes for group in parts for part in group)


def measure(n, q, history_dtype):
    """Find bytes of state and at most on top, seconds of an epoch's probabilities."""
    Y = make_labels(n, q)
    selector = D2ACE(n_neighbors=0, warmup_epochs=1, history_dtype=history_dtype)
    selector.start(torch.zeros(n, 1), Y, n_epochs=100, batch_size=128, random_state=0)
    generator = torch.Generator().manual_seed(1)
    seconds, on_top = [], 0
    for epoch in range(3):
        reset_peak()
        before, begin = memory("VmRSS") - state_bytes(selector), time.process_time()
        next(selector.batches(epoch))
        seconds.append(time.process_time() - begin)
        on_top = max(on_top, memory("VmHWM") - before - state_bytes(selector))
        for rows in F.row_blocks(n, q):
            index = torch.arange(n)[rows]
            proba = torch.rand(len(index), q, generator=generator).clamp(min=1e-6)
            selector.update(index, proba, -torch.log(proba))
    return state_bytes(selector), on_top, seconds[-1]


def measure_apart(size, history_dtype, **environment):
    """Call ``measure`` in a process of its own."""
    command = [sys.executable, __file__, "--one", *size.split("x"), "--history", history_dtype]
    environment = os.environ | environment
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return map(float, done.stdout.split())


def compare_sizes(sizes, history_dtype):
    print(
        "        n      q  state, B per cell  on top, MB    as it is, MB    seconds   ns per cell"
    )
    per_cell = []
    for size in sizes:
        n, q = map(int, size.split("x"))
        state, as_it_is, seconds = measure_apart(size, history_dtype)
        _, on_top, _ = measure_apart(size, history_dtype, MALLOC_MMAP_THRESHOLD_="65536")
        per_cell.append((state / n / q, seconds / n / q * 1e9))
        print(
            f"{n:9d}{q:7d}{state / n / q:19.1f}{on_top / 1e6:7.0f}{on_top / state:5.0%}"
            f"{as_it_is / 1e6:11.0f}{as_it_is / state:5.0%}{seconds:11.2f}{per_cell[-1][1]:14.0f}",
            flush=True,
        )
    for name, values in zip(("bytes", "ns"), zip(*per_cell, strict=True), strict=True):
        least, most = min(values), max(values)
        print(f"{name} per cell: {least:.1f} to {most:.1f}, {most / least - 1:.0%} more")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--history", default="float16", help="history_dtype")
    parser.add_argument("--one", type=int, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        measure(1000, args.one[1], args.history)
        print(*measure(*args.one, args.history))
        return
    print(f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}")
    compare_sizes(args.sizes, args.history)


if __name__ == "__main__":
    main()
