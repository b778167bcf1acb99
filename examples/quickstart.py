"""MULAN's yeast: a random forest, CLIF, and TabM with shuffled batches and with D2ACE.

    python examples/quickstart.py

trains all four on the same split, which takes about a minute on two CPU cores, prints a table
of test scores and draws how TabM's out-of-bag score went into ``quickstart.png``. One split and
one seed show how to use the library, not which method is better: docs/benchmark.md has the table.
"""

import argparse
import time

import matplotlib
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from skd2ace import CLIFClassifier, TabMClassifier
from skd2ace.datasets import load_yeast
from skd2ace.metrics import label_ranking_loss, macro_auc, macro_f1
from skd2ace.selection import D2ACE

matplotlib.use("agg")
from matplotlib import pyplot as plt

# The first two slots of a palette that stays apart under colour blindness; no red and green.
COLOURS = ("#2a78d6", "#eb6834")


def make_methods(n_epochs, device):
    """CLIF with the settings of the papers, TabM with its own."""
    settings = {"random_state": 0, "verbose": 0, "device": device}
    return {
        "Random forest": RandomForestClassifier(500, n_jobs=-1, random_state=0),
        "CLIF": CLIFClassifier(preprocessor=MinMaxScaler(), max_epochs=n_epochs, **settings),
        "TabM": TabMClassifier(max_epochs=n_epochs, **settings),
        "TabM, D2ACE": TabMClassifier(batch_selector=D2ACE(), max_epochs=n_epochs, **settings),
    }


def predict_probabilities(method, X):
    """Probabilities (n, q); a forest gives two columns for each label."""
    proba = method.predict_proba(X)
    return np.column_stack([p[:, 1] for p in proba]) if isinstance(proba, list) else proba


def train_and_score(method, data):
    """Fit on the training part; return the test scores."""
    X_train, X_test, Y_train, Y_test = data
    start = time.perf_counter()
    method.fit(X_train, Y_train)
    seconds = time.perf_counter() - start
    proba = predict_probabilities(method, X_test)
    return {
        "Macro-AUC": macro_auc(Y_test, proba),
        "Out of bag": getattr(method, "oob_score_", np.nan),
        "Ranking loss": label_ranking_loss(Y_test, proba),
        "Macro-F1": macro_f1(Y_test, method.predict(X_test)),
        "Seconds": seconds,
    }


def print_table(scores):
    columns = list(next(iter(scores.values())))
    print(f"{'Test scores':<16}" + "".join(f"{column:>14}" for column in columns))
    for name, row in scores.items():
        cells = (f"{'':>14}" if np.isnan(value) else f"{value:14.4f}" for value in row.values())
        print(f"{name:<16}" + "".join(cells))


def draw(methods, path):
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for (name, method), colour in zip(methods.items(), COLOURS, strict=True):
        curve = np.array(method.history[:, "oob_macro_auc"])
        epochs = np.arange(1, len(curve) + 1)
        best = method.best_epoch_
        ax.plot(epochs, curve, color=colour, linewidth=2, label=name)
        ax.plot(best, curve[best - 1], "o", color=colour, markersize=8, markeredgecolor="white")
    ax.set_xlabel("Epoch")
    ax.set_ylabel("Macro-AUC, out of bag")
    ax.set_title("TabM on yeast: rows predicted by members that did not see them", loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e5e5e2", linewidth=0.8)
    ax.legend(frameon=False, loc="lower right")
    fig.savefig(path, dpi=150)
    print(f"\nOut-of-bag scores by epoch (dots: the epoch kept): {path}")


def main():
    parser = argparse.ArgumentParser(description="Four classifiers on yeast.")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--picture", default="quickstart.png")
    args = parser.parse_args()
    X, Y = load_yeast(return_X_y=True)
    data = train_test_split(X, Y, test_size=0.3, random_state=0)
    methods = make_methods(args.epochs, args.device)
    scores = {}
    for name, method in methods.items():
        print(f"{name} ...", flush=True)
        scores[name] = train_and_score(method, data)
    print_table(scores)
    draw({name: m for name, m in methods.items() if name.startswith("TabM")}, args.picture)


if __name__ == "__main__":
    main()
