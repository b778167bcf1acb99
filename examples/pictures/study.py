"""Validation scores by epoch in the study of batch selection, from the fits that are kept."""

from pathlib import Path
from tempfile import TemporaryDirectory

from matplotlib import pyplot as plt

from skd2ace.benchmark import Store, import_fits

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "selection.jsonl.gz"
DATASETS = ("flags", "emotions", "birds", "yeast")
LOOKS = {
    "mlp-tuned random": {"label": "shuffling", "color": "#1f2933"},
    "mlp-tuned d2ace": {"label": "D2ACE", "color": "#2a78d6", "linestyle": "--"},
    "mlp-tuned hard-imb": {"label": "Hard-Imb", "color": "#eb6834", "linestyle": "-."},
    "mlp-tuned balance": {"label": "Balance", "color": "#2f9e6e", "linestyle": ":"},
}


def read_curves():
    with TemporaryDirectory() as folder:
        store = Store(f"{folder}/fits.sqlite")
        import_fits(store, RESULTS)
        return store.curves()


def draw():
    """Draw the mean over folds of each method, a panel for each data set."""
    curves = read_curves()
    means = curves.groupby(["dataset", "method", "epoch"])["valid_macro_auc"].mean()
    figure, axes = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained")
    for ax, dataset in zip(axes, DATASETS, strict=True):
        for method, look in LOOKS.items():
            mean = means[dataset, method]
            ax.plot(mean.index, mean, linewidth=1.6, **look)
        ax.set_title(dataset, loc="left", fontsize=10)
        ax.set_xlabel("Epoch")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("Validation Macro-AUC")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
