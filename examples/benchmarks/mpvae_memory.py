"""What a training step of MPVAE and of C2AE costs: processor time and peak memory.

    python examples/benchmarks/mpvae_memory.py

Steps (forward, backward, Adam) of batches of 128 at the sizes of yeast, bibtex and Corel5k. Each
case runs in a process of its own; the peak is that of the process, less what it had before the
network was made. Linux only.
"""

import argparse
import multiprocessing
import resource
import statistics
import time

import torch

from skd2ace.networks import C2AE, MPVAE

NETWORKS = {"MPVAE": MPVAE, "C2AE": C2AE}
# Features, labels.
SIZES = {"yeast": (103, 14), "bibtex": (1836, 159), "Corel5k": (499, 374)}
BATCH_SIZE, N_STEPS = 128, 4


def measure(name, size):
    """Median seconds of a step, and peak memory in GB."""
    torch.manual_seed(0)
    d, q = SIZES[size]
    X = torch.rand(BATCH_SIZE, d)
    Y = (torch.rand(BATCH_SIZE, q) < 0.1).float()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    network = NETWORKS[name](d, q)
    optimizer = torch.optim.Adam(network.parameters())
    seconds = []
    for _ in range(N_STEPS):
        start = time.process_time()
        loss = network.training_loss(X, Y).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return statistics.median(seconds), peak * 1024 / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    args = parser.parse_args()
    print(f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'':<20}{'s per step':>12}{'peak, GB':>12}")
    context = multiprocessing.get_context("spawn")
    for size in args.sizes:
        for name in NETWORKS:
            # One task per process, so that no peak is another's.
            with context.Pool(1, maxtasksperchild=1) as pool:
                seconds, peak = pool.apply(measure, (name, size))
            print(f"{size + ', ' + name:<20}{seconds:12.3f}{peak:12.2f}", flush=True)


if __name__ == "__main__":
    main()
