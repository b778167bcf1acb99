"""CLIF, DELA, PACA, MPVAE and C2AE against a one-vs-rest logistic regression, on the same folds.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/networks.py

Five multi-label stratified folds (the first K with ``--folds K``), features min-max scaled on the
training part, shuffled batches, 100 epochs of which the best by validation Macro-AUC on a held-out
tenth is kept; all settings as the classifiers have them, and PACA besides with two weights that
favour the classification. Printed is the Macro-AUC on each fold's test part, labels without both
classes there left out, and the seconds of processor time of a fit. yeast installs with
``skd2ace[data]``; scene is read from the folder that SKD2ACE_DATA names. On two CPU cores either
takes over an hour.
"""

import argparse
import time
from functools import partial

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skd2ace import (
    C2AEClassifier,
    CLIFClassifier,
    DELAClassifier,
    MPVAEClassifier,
    PACAClassifier,
)
from skd2ace.datasets import fetch_mulan, load_yeast
from skd2ace.metrics import macro_auc
from skd2ace.model_selection import IterativeStratifiedKFold

NETWORKS = {
    "CLIF": CLIFClassifier,
    "DELA": DELAClassifier,
    "PACA": PACAClassifier,
    # Of the paper's grids (alpha 50, gamma 0.001); chosen by yeast's first fold.
    "PACA, tuned": partial(
        PACAClassifier, module__classification_weight=50.0, module__regularization_weight=1e-3
    ),
    "MPVAE": MPVAEClassifier,
    "C2AE": C2AEClassifier,
}


DATA = {
    "yeast": lambda: load_yeast(return_X_y=True),
    "scene": lambda: fetch_mulan("scene", return_X_y=True),
}


def folds(X, Y):
    return list(IterativeStratifiedKFold(5, random_state=0, method="skmultilearn").split(X, Y))


def score(model, data, train, test):
    X, Y = data
    start = time.process_time()
    proba = make_pipeline(MinMaxScaler(), model).fit(X[train], Y[train]).predict_proba(X[test])
    return macro_auc(Y[test], proba), time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--folds", type=int, choices=range(1, 6), default=5, metavar="K")
    args = parser.parse_args()
    models = {"Logistic regression": OneVsRestClassifier(LogisticRegression(max_iter=1000))}
    for name in args.networks:
        models[name] = NETWORKS[name](max_epochs=args.epochs, random_state=0, verbose=0)
    for name in args.data:
        data = DATA[name]()
        splits = folds(*data)[: args.folds]
        heads = (f"fold {k}" for k in range(1, len(splits) + 1))
        print(f"\n{name:<22}" + "".join(f"{head:>9}" for head in heads), end="")
        print(f"{'mean':>9}{'seconds':>10}")
        for model_name, model in models.items():
            scores, seconds = zip(*(score(model, data, *split) for split in splits), strict=True)
            print(f"{model_name:<22}" + "".join(f"{s:9.4f}" for s in scores), end="")
            print(f"{np.mean(scores):9.4f}{np.mean(seconds):10.1f}", flush=True)


if __name__ == "__main__":
    main()
