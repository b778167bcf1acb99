"""CLIF on MULAN's yeast, with shuffled batches and with D2ACE: same seed, same split.

    python examples/quickstart.py

trains both for 60 epochs (the paper's 100 with ``--epochs 100``), which takes one to two minutes
on two CPU cores, prints a table of test scores and draws the two validation curves into
``quickstart.png``. One split and one seed show how to use the library, not which method is
better: the difference between the two is smaller than that between two seeds.
"""

import argparse
import time

import matplotlib
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skd2ace import CLIFClassifier
from skd2ace.datasets import load_yeast
from skd2ace.metrics import label_ranking_loss, macro_auc, macro_f1
from skd2ace.selection import D2ACE, RandomBatches

matplotlib.use("agg")
from matplotlib import pyplot as plt

# The first two slots of a palette that stays apart under colour blindness; no red and green.
COLOURS = ("#2a78d6", "#eb6834")


def train_and_score(selector, data, n_epochs, device):
    """Fit a pipeline on the training part; return the classifier and its test scores."""
    X_train, X_test, Y_train, Y_test = data
    classifier = CLIFClassifier(
        batch_selector=selector,
        max_epochs=n_epochs,
        threshold="tune",
        device=device,
        random_state=0,
        callbacks__print_log__keys_ignored=["train_bce", "train_link"],
    )
    pipeline = make_pipeline(MinMaxScaler(), classifier)
    start = time.perf_counter()
    pipeline.fit(X_train, Y_train)
    seconds = time.perf_counter() - start
    proba = pipeline.predict_proba(X_test)
    scores = {
        "Macro-AUC": macro_auc(Y_test, proba),
        "Macro-F1": macro_f1(Y_test, pipeline.predict(X_test)),
        "Ranking loss": label_ranking_loss(Y_test, proba),
        "Best epoch": classifier.best_epoch_,
        "Seconds": seconds,
    }
    return classifier, scores


def print_table(scores):
    columns = list(next(iter(scores.values())))
    print("\n" + f"{'Test scores':<18}" + "".join(f"{column:>14}" for column in columns))
    for name, row in scores.items():
        cells = (
            f"{value:14d}" if isinstance(value, int) else f"{value:14.4f}" for value in row.values()
        )
        print(f"{name:<18}" + "".join(cells))


def draw(classifiers, path):
    fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for (name, classifier), colour in zip(classifiers.items(), COLOURS, strict=True):
        curve = np.array(classifier.history[:, "valid_macro_auc"])
        epochs = np.arange(1, len(curve) + 1)
        best = classifier.best_epoch_
        ax.plot(epochs, curve, color=colour, linewidth=2, label=name)
        ax.plot(best, curve[best - 1], "o", color=colour, markersize=8, markeredgecolor="white")
    ax.set_xlabel("Epoch")
    ax.set_ylabel("Macro-AUC on the held-out tenth")
    ax.set_title("CLIF on yeast: validation curves (dots: the epoch kept)", loc="left")
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e5e5e2", linewidth=0.8)
    ax.legend(frameon=False, loc="lower right")
    fig.savefig(path, dpi=150)
    print(f"\nValidation curves: {path}")


def main():
    parser = argparse.ArgumentParser(description="CLIF on yeast: shuffled batches and D2ACE.")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--picture", default="quickstart.png")
    args = parser.parse_args()
    X, Y = load_yeast(return_X_y=True)
    data = train_test_split(X, Y, test_size=0.3, random_state=0)
    classifiers, scores = {}, {}
    for name, selector in {"Shuffled batches": RandomBatches(), "D2ACE": D2ACE()}.items():
        print(f"\n{name}, {args.epochs} epochs")
        fitted = train_and_score(selector, data, args.epochs, args.device)
        classifiers[name], scores[name] = fitted
    print_table(scores)
    draw(classifiers, args.picture)


if __name__ == "__main__":
    main()
