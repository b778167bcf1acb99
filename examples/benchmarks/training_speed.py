"""How much selection and the estimator cost: ratios of training times, measured in one run.

Each round times, in turn, training with D2ACE, with shuffled batches, with shuffled batches and
no validation, a bare PyTorch loop on resident tensors with the same network, optimizer and
batches, and the start of D2ACE by itself, which finds neighbours once a fit. Printed are the
medians over rounds of the seconds per epoch, and of the ratios within a round, which a change of
the machine's speed between rounds does not touch.

    python examples/benchmarks/training_speed.py --cases yeast mlp --rounds 5

With ``--fused`` the optimizer takes its step in one kernel, on both sides. On a CPU with one thread
(``OMP_NUM_THREADS=1``) seconds are those of the CPU, for which other programs matter less.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from sklearn.preprocessing import minmax_scale
from torch import nn

from skd2ace import CLIFClassifier, MultiLabelNetClassifier
from skd2ace.datasets import load_yeast
from skd2ace.networks import CLIF
from skd2ace.selection import D2ACE

RATIOS = (
    ("D2ACE / shuffled", "d2ace", "shuffled"),
    ("D2ACE less its start / shuffled", "d2ace less its start", "shuffled"),
    ("shuffled without validation / bare loop", "no validation", "bare loop"),
    ("D2ACE / bare loop", "d2ace", "bare loop"),
)


def mlp(n_features, n_labels, hidden=128):
    return nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_labels))


def random_data(n, d, q, density):
    rng = np.random.default_rng(0)
    X = rng.random((n, d), dtype=np.float32)
    return X, (rng.random((n, q)) < density).astype(np.float32)


def yeast():
    X, Y = load_yeast(return_X_y=True)
    return minmax_scale(X).astype(np.float32), Y.astype(np.float32)


# Data, estimator, network of the bare loop, optimizer flags on both sides, epochs.
CASES = {
    "yeast": (yeast, CLIFClassifier, CLIF, {"lr": 1e-4, "weight_decay": 1e-4}, 10),
    "bibtex": (
        lambda: random_data(5324, 1836, 159, 0.015),
        CLIFClassifier,
        CLIF,
        {"lr": 1e-4, "weight_decay": 1e-4},
        4,
    ),
    "mlp": (
        lambda: random_data(20000, 200, 20, 0.1),
        lambda **params: MultiLabelNetClassifier(mlp, **params),
        mlp,
        {"lr": 1e-3},
        10,
    ),
}


def bare_loop(make, X, Y, flags, n_epochs, device):
    """Train as one would by hand, with the data on the device."""
    torch.manual_seed(0)
    X, Y = torch.from_numpy(X).to(device), torch.from_numpy(Y).to(device)
    network = make(X.shape[1], Y.shape[1]).to(device).train()
    if hasattr(network, "fit_label_graph"):
        network.fit_label_graph(Y)
    optimizer = torch.optim.Adam(network.parameters(), **flags)
    criterion = nn.BCEWithLogitsLoss()
    for _ in range(n_epochs):
        for index in torch.randperm(len(X), device=device).split(128):
            features, labels = X.index_select(0, index), Y.index_select(0, index)
            if hasattr(network, "training_loss"):
                loss = network.training_loss(features, labels).loss
            else:
                loss = criterion(network(features), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def contenders(case, device, n_epochs=None, *, fused=None):
    """Functions that train for the case's epochs, or for so many, by name."""
    load, estimator, make, flags, usual = CASES[case]
    flags = flags | {"fused": fused}
    n_epochs = n_epochs or usual
    X, Y = load()
    shared = {"lr": flags["lr"], "optimizer__weight_decay": flags.get("weight_decay", 0.0)}
    shared |= {"max_epochs": n_epochs, "device": device, "random_state": 0, "verbose": 0}
    shared |= {"optimizer__fused": fused}

    def train(**params):
        return lambda: estimator(**shared, **params).fit(X, Y)

    # As many as are trained on where the usual tenth is held out.
    selected = [torch.from_numpy(part[: 9 * len(part) // 10]).to(device) for part in (X, Y)]
    return n_epochs, {
        "d2ace": train(batch_selector=D2ACE(warmup_epochs=1)),
        "start of d2ace": lambda: D2ACE().start(*selected, n_epochs=n_epochs, batch_size=128),
        "shuffled": train(),
        "no validation": train(train_split=None),
        "bare loop": lambda: bare_loop(make, X, Y, flags, n_epochs, device),
    }


def counts_cpu_time(device: str) -> bool:
    return device == "cpu" and torch.get_num_threads() == 1


def seconds(function: Callable[[], object], device: str) -> float:
    clock = time.process_time if counts_cpu_time(device) else time.perf_counter
    start = clock()
    function()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return clock() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="for a try; too few to measure with")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--fused", action="store_true", default=None)
    args = parser.parse_args()
    where = torch.cuda.get_device_name() if args.device.startswith("cuda") else "CPU"
    print(f"{where}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    for case in args.cases:
        n_epochs, functions = contenders(case, args.device, args.epochs, fused=args.fused)
        functions["bare loop"]()  # Warm-up: allocator, kernels, caches.
        rounds = [
            {name: seconds(function, args.device) for name, function in functions.items()}
            for _ in range(args.rounds)
        ]
        for times in rounds:
            times["d2ace less its start"] = times["d2ace"] - times["start of d2ace"]
        unit = "CPU seconds" if counts_cpu_time(args.device) else "seconds"
        print(f"\n{case}: {unit} per epoch, over {n_epochs} epochs, median of {args.rounds}")
        for name in rounds[0]:
            print(f"  {name:<40}{statistics.median(r[name] for r in rounds) / n_epochs:9.4f}")
        for title, above, below in RATIOS:
            ratios = [r[above] / r[below] for r in rounds]
            shown = " ".join(f"{ratio:.3f}" for ratio in sorted(ratios))
            print(f"  {title:<40}{statistics.median(ratios):9.3f}   ({shown})")


if __name__ == "__main__":
    main()
