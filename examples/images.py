"""Images of several labels without a download: a small network with each head, and frozen.

    python examples/images.py

Mosaics of four digits each; mean average precision on mosaics of other digits, and the seconds of
the training. The last lines train a head on frozen features of the network that the first has
trained: the first of them computes these, and beside them stands the same training on a table.
"""

import argparse
import tempfile
import time
from functools import partial
from itertools import product

import torch
from torch import nn

from skd2ace import ImageClassifier, MultiLabelNetClassifier
from skd2ace.datasets import make_digits_mosaics
from skd2ace.metrics import mean_average_precision
from skd2ace.networks import HST, MLGCN, MLDecoder
from skd2ace.selection import D2ACE

HEADS = {
    "linear": "linear",
    "ml-gcn": partial(MLGCN, vector_size=32, hidden_size=64),
    "hst": partial(HST, vector_size=32, feature_size=64, hidden_size=32, output_size=64),
    "ml-decoder": partial(MLDecoder, embedding_size=64, n_heads=4, feedforward_size=128),
}
SELECTORS = {"random": None, "d2ace": D2ACE()}


def make_backbone():
    layers = []
    for n_in, n_out in ((1, 32), (32, 64)):
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU()]
    layers += [nn.MaxPool2d(2), nn.Conv2d(64, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU()]
    return nn.Sequential(*layers)


def report(name, est, mosaics, X=None):
    """Fit, score and print; X stands for the images where it is given."""
    X = mosaics.data if X is None else X
    begin = time.perf_counter()
    est.fit(X[mosaics.train], mosaics.target[mosaics.train])
    seconds = time.perf_counter() - begin
    proba = est.predict_proba(X[mosaics.test])
    score = mean_average_precision(mosaics.target[mosaics.test], proba)
    print(f"{name:<32} mAP {score:.3f}  {seconds:6.1f} s", flush=True)
    return est


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=list(HEADS))
    parser.add_argument("--selectors", nargs="+", choices=SELECTORS, default=list(SELECTORS))
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    mosaics = make_digits_mosaics(args.samples)
    settings = {
        "batch_size": 64, "max_epochs": args.epochs, "random_state": 0, "verbose": 0,
        "device": args.device,
    }  # fmt: skip
    trained = None
    for head, name in product(args.heads, args.selectors):
        est = ImageClassifier(
            make_backbone, HEADS[head], lr=2e-3, batch_selector=SELECTORS[name], **settings
        )
        est = report(f"{head}, {name}", est, mosaics)
        trained = trained or est.module_.backbone
    frozen = {"lr": 1e-2, "frozen": True, "batch_selector": D2ACE(), **settings}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("frozen, features computed", "frozen, features kept"):
            est = ImageClassifier(trained, cache_dir=folder, **frozen)
            report(name, est, mosaics)
    with torch.no_grad():
        maps = trained.eval()(torch.as_tensor(mosaics.data, device=args.device))
    table = maps.mean((2, 3)).cpu().numpy()
    est = MultiLabelNetClassifier(
        lambda n_features, n_labels: nn.Linear(n_features, n_labels),
        lr=1e-2, batch_selector=D2ACE(), **settings,
    )  # fmt: skip
    report("the same table", est, mosaics, table)


if __name__ == "__main__":
    main()
