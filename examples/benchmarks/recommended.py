"""The published networks with the papers' settings, and as ``recommended()`` makes them.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/recommended.py --data emotions --folds 3

Each with features prepared by its own ``preprocessor``, and scaled to [0, 1] in its place, as the
papers have it. Folds are those that settings were chosen by, other than the tables'.
"""

import argparse

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler

from skd2ace import CLIFClassifier, DELAClassifier, PACAClassifier
from skd2ace.datasets import fetch_mulan
from skd2ace.metrics import label_ranking_loss, macro_auc, macro_f1
from skd2ace.model_selection import IterativeStratifiedKFold

CLASSES = {"clif": CLIFClassifier, "dela": DELAClassifier, "paca": PACAClassifier}


def make_variants(cls, scaler, **settings):
    settings = {"random_state": 0, "verbose": 0, **settings}
    return {
        "the papers'": cls(preprocessor=scaler, **settings),
        "recommended": cls.recommended(**settings),
        "recommended, scaled": cls.recommended(preprocessor=scaler, **settings),
    }


def score(est, X, Y, train, test):
    proba = est.fit(X[train], Y[train]).predict_proba(X[test])
    truth = Y[test]
    return [
        macro_auc(truth, proba), label_ranking_loss(truth, proba), macro_f1(truth, proba >= 0.5)
    ]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["emotions"])
    parser.add_argument("--networks", nargs="+", choices=CLASSES, default=list(CLASSES))
    parser.add_argument("--folds", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="default: 100 of the papers, 60 recommended")
    arguments = parser.parse_args()
    epochs = {} if arguments.epochs is None else {"max_epochs": arguments.epochs}
    for name in arguments.data:
        X, Y = fetch_mulan(name, return_X_y=True)
        folds = list(IterativeStratifiedKFold(5, random_state=1).split(X, Y))[: arguments.folds]
        scaler = MaxAbsScaler() if issparse(X) else MinMaxScaler()
        for network in arguments.networks:
            for title, est in make_variants(CLASSES[network], scaler, **epochs).items():
                scores = np.mean([score(est, X, Y, *fold) for fold in folds], axis=0)
                shown = ", ".join(f"{value:.3f}" for value in scores)
                print(f"{name} {network}, {title}: {shown}", flush=True)


if __name__ == "__main__":
    main()
