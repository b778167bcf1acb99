"""What a training step of PACA costs: seconds and peak memory, against plain operations.

    python examples/benchmarks/paca_memory.py

Three steps (forward, backward, Adam) of batches of 128 at the size of bibtex, with ours, and at the
size of yeast, with ours and with a flow written in plain operations, whose tensors of size (b, q,
latent, units) autograd keeps. Each case runs in a process of its own; the peak is that of the
process, less what it had before the network was made. Linux only.
"""

import argparse
import math
import multiprocessing
import resource
import statistics
import time

import torch
from torch.nn import functional as F

from skd2ace.networks import PACA, _flow

# Features, labels.
SIZES = {"bibtex": (1836, 159), "yeast": (103, 14)}
BATCH_SIZE, N_STEPS = 128, 3


def plain_flow(x, numbers, weight, bias):
    """The same map as ``sigmoid_flow`` of the library, as one would write it first."""
    parameters = torch.addmm(bias[:, None], weight, numbers)
    raw_slopes, offsets, raw_weights = parameters.chunk(3)
    slopes = F.softplus(raw_slopes)
    z = slopes * x + offsets
    inside = (torch.softmax(raw_weights, dim=0) * torch.sigmoid(z)).sum(0) * (1 - 1e-6) + 0.5e-6
    log_slopes = torch.log_softmax(raw_weights, dim=0) + torch.log(slopes)
    log_slope = torch.logsumexp(log_slopes + F.logsigmoid(z) + F.logsigmoid(-z), dim=0)
    log_slope = log_slope + math.log1p(-1e-6) - torch.log(inside) - torch.log1p(-inside)
    return torch.logit(inside), log_slope


def measure(size, plain):
    """Median seconds of a step, peak memory in GB, and the last loss."""
    if plain:
        _flow.sigmoid_flow = plain_flow
    torch.manual_seed(0)
    d, q = SIZES[size]
    X = torch.rand(BATCH_SIZE, d)
    Y = (torch.rand(BATCH_SIZE, q) < 0.1).float()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    network = PACA(d, q)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    seconds = []
    for _ in range(N_STEPS):
        start = time.perf_counter()
        loss = network.training_loss(X, Y).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return statistics.median(seconds), peak * 1024 / 1e9, loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    args = parser.parse_args()
    cases = [("bibtex", False), ("yeast", False), ("yeast", True)]
    cases = [case for case in cases if case[0] in args.sizes]
    print(f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'':<28}{'s per step':>12}{'peak, GB':>12}{'loss':>14}")
    context = multiprocessing.get_context("spawn")
    for size, plain in cases:
        # One task per process, so that no peak is another's.
        with context.Pool(1, maxtasksperchild=1) as pool:
            seconds, peak, loss = pool.apply(measure, (size, plain))
        name = f"{size}, {'plain operations' if plain else 'ours'}"
        print(f"{name:<28}{seconds:12.3f}{peak:12.2f}{loss:14.3f}", flush=True)


if __name__ == "__main__":
    main()
