"""Ways to fill a mini-batch: CLIF on MULAN's yeast with each of them.

    python examples/compare_selectors.py

trains CLIF for 20 epochs with every batch selector and three seeds each, on one split, which
takes several minutes on two CPU cores. It prints the test scores, mean and standard deviation
over the seeds, and draws the validation curves into ``compare_selectors.png``. Few epochs on one
split show how to swap selectors, not which is best: look at the standard deviations first.
"""

import argparse
import math
import time

import matplotlib
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from skd2ace import CLIFClassifier
from skd2ace.datasets import load_yeast
from skd2ace.metrics import label_ranking_loss, macro_auc, macro_f1
from skd2ace.selection import (
    D2ACE,
    DIHCL,
    MLROS,
    ActiveBias,
    Balance,
    GradientNorm,
    HardImb,
    InfoBatch,
    MLUnc,
    OnlineBatch,
    RandomBatches,
    RandomSubset,
    RecencyBias,
    ReducibleLoss,
    RepeatFactor,
    SelectiveBackprop,
)

matplotlib.use("agg")
from matplotlib import pyplot as plt

COLUMNS = ("Macro-AUC", "Macro-F1", "Ranking loss", "Seconds")


SELECTORS = (
    RandomBatches(),
    ActiveBias(),
    RecencyBias(),
    DIHCL(),
    Balance(warmup_epochs=0.1),
    OnlineBatch(),
    HardImb(),
    MLUnc(),
    D2ACE(),
    InfoBatch(),
    SelectiveBackprop(),
    ReducibleLoss(),
    GradientNorm(),
    RepeatFactor(),
    MLROS(),
    RandomSubset(),
)


def train_and_score(selector, data, n_epochs, seed):
    """Validation curve and test scores of one fit."""
    X_train, X_test, Y_train, Y_test = data
    est = CLIFClassifier(
        batch_selector=selector,
        max_epochs=n_epochs,
        threshold="tune",
        random_state=seed,
        verbose=0,
    )
    start = time.perf_counter()
    est.fit(X_train, Y_train)
    seconds = time.perf_counter() - start
    proba = est.predict_proba(X_test)
    scores = (
        macro_auc(Y_test, proba),
        macro_f1(Y_test, est.predict(X_test)),
        label_ranking_loss(Y_test, proba),
        seconds,
    )
    return est.history[:, "valid_macro_auc"], scores


def print_row(name, scores):
    """One line of means and standard deviations over the seeds."""
    mean, std = np.mean(scores, axis=0), np.std(scores, axis=0)
    cells = [f"{m:.4f} ± {s:.4f}" for m, s in zip(mean[:-1], std[:-1], strict=True)]
    print(f"{name:<16}" + "".join(f"{cell:>18}" for cell in (*cells, f"{mean[-1]:.1f}")))


def draw(curves, path):
    """One panel for each selector: its curves before the means of all others."""
    n_rows = math.ceil(len(curves) / 3)
    size = 9, 0.4 + 2.2 * n_rows
    fig, axes = plt.subplots(
        n_rows, 3, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(curves) :]:
        ax.set_axis_off()
    means = {name: np.mean(runs, axis=0) for name, runs in curves.items()}
    epochs = np.arange(1, len(next(iter(means.values()))) + 1)
    for ax, (name, runs) in zip(axes.flat, curves.items(), strict=False):
        for other in means.values():
            ax.plot(epochs, other, color="#d5d5d1", linewidth=0.8)
        ax.fill_between(
            epochs, np.min(runs, axis=0), np.max(runs, axis=0), color="#2a78d6", alpha=0.2, lw=0
        )
        ax.plot(epochs, means[name], color="#2a78d6", linewidth=2)
        ax.set_title(name, loc="left", fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
        ax.xaxis.get_major_locator().set_params(integer=True)
    fig.supxlabel("Epoch", fontsize=10)
    fig.supylabel("Macro-AUC on the held-out tenth", fontsize=10)
    fig.suptitle(
        "CLIF on yeast (blue: mean and range over seeds; grey: means of the others)",
        x=0.02,
        ha="left",
        fontsize=11,
    )
    fig.savefig(path, dpi=150)
    print(f"\nValidation curves: {path}")


def main():
    parser = argparse.ArgumentParser(description="CLIF on yeast with each batch selector.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--picture", default="compare_selectors.png")
    args = parser.parse_args()
    X, Y = load_yeast(return_X_y=True)
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.3, random_state=0)
    scaler = MinMaxScaler().fit(X_train)
    data = scaler.transform(X_train), scaler.transform(X_test), Y_train, Y_test
    print(f"CLIF on yeast, {args.epochs} epochs, {args.seeds} seeds\n")
    print(f"{'':<16}" + "".join(f"{column:>18}" for column in COLUMNS))
    curves = {}
    for selector in SELECTORS:
        name = type(selector).__name__
        runs = [train_and_score(selector, data, args.epochs, seed) for seed in range(args.seeds)]
        curves[name] = [curve for curve, _ in runs]
        print_row(name, [scores for _, scores in runs])
    draw(curves, args.picture)


if __name__ == "__main__":
    main()
