"""What InfoBatch saves, and what it costs in quality: the network of the study of batch selection.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/info_batch.py --data rcv1subset1 --folds 3

Both networks of a fold are trained one after the other, in alternating order. Printed are, per
data set, the share of instances that are left out, the median ratio of the seconds of a fit, and
the mean paired difference in Macro-AUC with its 95 % interval.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch

from skd2ace import MultiLabelNetClassifier
from skd2ace.benchmark import differences
from skd2ace.datasets import fetch_mulan
from skd2ace.metrics import macro_auc
from skd2ace.model_selection import IterativeStratifiedKFold
from skd2ace.networks import MLP
from skd2ace.selection import InfoBatch
from skd2ace.training import LinearDecay


class CountingInfoBatch(InfoBatch):
    """Counts the instances that were trained on."""

    def _start(self, X, Y):
        super()._start(X, Y)
        self.n_trained_ = 0

    def _update(self, index, proba, losses, learning_rate):
        super()._update(index, proba, losses, learning_rate)
        self.n_trained_ += len(index)


def make_network(selector, rate, epochs):
    return MultiLabelNetClassifier(
        MLP,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=1e-2,
        lr=rate,
        max_epochs=epochs,
        batch_size="auto",
        preprocessor="auto",
        train_split=None,
        callbacks=[LinearDecay()],
        batch_selector=selector,
        random_state=0,
        verbose=0,
    )


def run(X, Y, fold, train, test, arguments):
    methods = {"shuffling": None, "InfoBatch": CountingInfoBatch(arguments.prune_share)}
    for method in sorted(methods, reverse=bool(fold % 2)):
        est = make_network(methods[method], arguments.rate, arguments.epochs)
        begin = time.perf_counter()
        est.fit(X[train], Y[train])
        seconds = time.perf_counter() - begin
        trained = getattr(est.batch_selector_, "n_trained_", len(train) * arguments.epochs)
        yield {
            "dataset": "", "method": method, "fold": fold, "seed": 0, "seconds": seconds,
            "left_out": 1 - trained / (len(train) * arguments.epochs),
            "macro_auc": macro_auc(Y[test], est.predict_proba(X[test])),
            "n_train": len(train), "n_test": len(test),
        }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["rcv1subset1", "Corel5k", "bibtex"])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--prune-share", type=float, default=0.5)
    arguments = parser.parse_args()
    for name in arguments.data:
        X, Y = fetch_mulan(name, return_X_y=True)
        folds = list(IterativeStratifiedKFold(5, random_state=0).split(X, Y))[: arguments.folds]
        rows = pd.DataFrame(
            row for i, fold in enumerate(folds) for row in run(X, Y, i, *fold, arguments)
        )
        of = rows.pivot(index="fold", columns="method")
        ratio = (of["seconds"]["InfoBatch"] / of["seconds"]["shuffling"]).median()
        found = differences(rows, "macro_auc", "InfoBatch").iloc[0]
        shuffled = of["macro_auc"]["shuffling"].mean()
        print(
            f"{name}: {np.mean(of['left_out']['InfoBatch']):.1%} left out, "
            f"{ratio:.2f} of the seconds, Macro-AUC {found['difference']:+.4f} "
            f"({found['low']:+.4f} to {found['high']:+.4f}), {shuffled:.4f} with shuffling",
            flush=True,
        )


if __name__ == "__main__":
    main()
