"""What it costs not to know half of the labels that a network is trained on.

    SKD2ACE_DATA=path/to/mulan python examples/benchmarks/unknown_labels.py

Of each training part every cell (an instance and a label) is hidden with probability one half, NaN
in Y; the test part is whole. Printed is the Macro-AUC of five multi-label stratified folds with all
labels and with half of them, and the mean of the one over that of the other. yeast installs with
``skd2ace[data]``; scene is read from the folder that SKD2ACE_DATA names.
"""

import argparse

import numpy as np
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skd2ace import CLIFClassifier, MultiLabelNetClassifier
from skd2ace.datasets import fetch_mulan, load_yeast
from skd2ace.metrics import macro_auc
from skd2ace.model_selection import IterativeStratifiedKFold

DATA = {
    "yeast": lambda: load_yeast(return_X_y=True),
    "scene": lambda: fetch_mulan("scene", return_X_y=True),
}


def make_mlp(n_features, n_labels):
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, 256), torch.nn.ReLU(), torch.nn.Linear(256, n_labels)
    )


def make_models(epochs):
    settings = {"max_epochs": epochs, "random_state": 0, "verbose": 0}
    return {
        "MLP": make_pipeline(StandardScaler(), MultiLabelNetClassifier(make_mlp, **settings)),
        "CLIF": make_pipeline(MinMaxScaler(), CLIFClassifier(**settings)),
    }


def score(model, data, train, test, Y_train):
    X, Y = data
    return macro_auc(Y[test], model.fit(X[train], Y_train).predict_proba(X[test]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--models", nargs="+", choices=make_models(1), default=list(make_models(1)))
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.data:
        X, Y = DATA[name]()
        folds = list(IterativeStratifiedKFold(arguments.folds, random_state=0).split(X, Y))
        for title in arguments.models:
            scores = []
            for fold, (train, test) in enumerate(folds):
                hidden = np.random.default_rng(fold).random(Y[train].shape) < 0.5
                model = make_models(arguments.epochs)[title]
                half = np.where(hidden, np.nan, Y[train])
                scores.append([score(model, (X, Y), train, test, T) for T in (Y[train], half)])
            whole, halved = np.mean(scores, axis=0)
            print(f"{name} {title}: all {whole:.4f}, half {halved:.4f}, ratio {halved / whole:.3f}")


if __name__ == "__main__":
    main()
