"""
Methods and data sets in one table
==================================

Macro-AUC of each method on each data set, from the fits that are kept in ``docs/results``: the
same numbers as in the benchmark's page. A cell's colour says how far it is behind the best of its
row. Five folds; empty cells were not run, or not on all folds.
"""

# sphinx_gallery_start_ignore
import importlib.util
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

METHODS = {
    "tabm random": "TabM",
    "catboost": "CatBoost",
    "xgboost": "XGBoost",
    "random-forest": "forest",
    "extra-trees": "extra trees",
    "logistic-regression": "log. regr.",
    "mlp": "MLP",
    "clif random": "CLIF",
    "mlknn": "ML-kNN",
}


def find_root():
    """The folder of the repository; a gallery's script has no ``__file__``."""
    start = Path(globals().get("__file__", Path.cwd())).resolve()
    return next(above for above in (start, *start.parents) if (above / "docs/results").is_dir())


# sphinx_gallery_end_ignore


def read_means(root):
    """Means over all folds, a row for each data set, the smallest first."""
    path = root / "examples/benchmarks/tables.py"
    spec = importlib.util.spec_from_file_location("tables", path)
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    groups = tables.read_results().groupby(["dataset", "method"])
    means = groups["macro_auc"].mean().where(groups["fold"].nunique() == tables.N_FOLDS)
    sizes = groups["n_train"].mean().groupby("dataset").mean()
    means = means.unstack().reindex(columns=list(METHODS)).loc[sizes.sort_values().index]
    return means.rename(columns=METHODS)


def draw(path=None):
    """Draw the table, into a file if one is named."""
    means = read_means(find_root())
    behind = means.to_numpy() - np.nanmax(means.to_numpy(), axis=1, keepdims=True)
    fig, ax = plt.subplots(figsize=(8.6, 0.34 * len(means) + 0.9), layout="constrained")
    image = ax.imshow(behind, cmap="Blues", vmin=-0.1, vmax=0.04, aspect="auto")
    image.cmap.set_bad("#f4f4f2")
    for (row, column), value in np.ndenumerate(means.to_numpy()):
        if value == value:
            best = behind[row, column] > -5e-4
            text = f"{value:.3f}".lstrip("0")
            colour = "white" if behind[row, column] > -0.025 else "#1f2933"
            weight = "bold" if best else "normal"
            ax.text(column, row, text, ha="center", va="center", color=colour, weight=weight)
    ax.set_xticks(range(len(means.columns)), means.columns)
    ax.set_yticks(range(len(means)), means.index)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if path is not None:
        fig.savefig(path, dpi=110)
        plt.close(fig)


if __name__ == "__main__":
    draw()
