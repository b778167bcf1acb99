"""What there is to measure where a GPU is at hand, as one table.

    python examples/benchmarks/gpu.py --device cuda

Ratios are medians over rounds, each of trainings in turn, with CLIF on data of bibtex's size and a
small network on 20 000 rows: D2ACE over shuffled batches, ``fit`` without validation over a bare
PyTorch loop, and float32 products at the precision "high" over "highest". Waits are how often an
epoch's training and validation made the host wait for the device, as torch's own debug mode counts
them; those at the epoch's end, where losses are read, are among them. Fits a day is how many of 100
epochs one card would do one after the other. On a CPU the script runs as well, and counts no waits.
"""

import argparse
import statistics
import warnings

import torch
from skorch.callbacks import Callback
from training_speed import CASES, contenders, seconds

from skd2ace import CLIFClassifier
from skd2ace.selection import D2ACE


class Waits(Callback):
    """Count how often the host waits for the device, from an epoch's first batch to its end."""

    def on_train_begin(self, net, **kwargs):
        self.counts = []

    def on_batch_begin(self, net, training=None, **kwargs):
        if not getattr(self, "caught", None) and training:
            self.caught = warnings.catch_warnings(record=True)
            self.seen = self.caught.__enter__()
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")

    def on_epoch_end(self, net, **kwargs):
        torch.cuda.set_sync_debug_mode("default")
        self.caught.__exit__(None, None, None)
        self.caught = None
        self.counts.append(sum("synchronizing" in str(warning.message) for warning in self.seen))


def count_waits(device):
    """Waits in the last of three epochs of CLIF with D2ACE."""
    if not device.startswith("cuda"):
        return "-"
    X, Y = CASES["bibtex"][0]()
    est = CLIFClassifier(
        batch_selector=D2ACE(warmup_epochs=1), max_epochs=3, callbacks=[Waits()], device=device,
        verbose=0,
    ).fit(X, Y)  # fmt: skip
    return str(dict(est.callbacks_)["Waits"].counts[-1])


def compare(case, device, n_rounds, n_epochs):
    """Medians of the seconds of an epoch and of the ratios within a round."""
    n_epochs, functions = contenders(case, device, n_epochs)

    def train_with_faster_products():
        torch.set_float32_matmul_precision("high")
        functions["shuffled"]()
        torch.set_float32_matmul_precision("highest")

    functions = functions | {"high": train_with_faster_products}
    functions["bare loop"]()
    rounds = [
        {name: seconds(function, device) for name, function in functions.items()}
        for _ in range(n_rounds)
    ]

    def ratio(above, below):
        return statistics.median(times[above] / times[below] for times in rounds)

    epoch = statistics.median(times["d2ace"] for times in rounds) / n_epochs
    return {
        "s/epoch": f"{epoch:.4f}",
        "D2ACE/shuffled": f"{ratio('d2ace', 'shuffled'):.3f}",
        "fit/bare loop": f"{ratio('no validation', 'bare loop'):.3f}",
        "high/highest": f"{ratio('high', 'shuffled'):.3f}",
        "fits a day": f"{86400 / (100 * epoch):.0f}",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=["bibtex", "mlp"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="for a try; too few to measure with")
    args = parser.parse_args()
    is_cuda = args.device.startswith("cuda")
    print(f"{torch.cuda.get_device_name() if is_cuda else 'CPU'}, torch {torch.__version__}")
    rows = {case: compare(case, args.device, args.rounds, args.epochs) for case in args.cases}
    columns = list(next(iter(rows.values())))
    print(f"{'':<8}", *(f"{name:>15}" for name in columns))
    for case, cells in rows.items():
        print(f"{case:<8}", *(f"{cells[name]:>15}" for name in columns))
    print(f"waits of CLIF's last epoch: {count_waits(args.device)}")


if __name__ == "__main__":
    main()
