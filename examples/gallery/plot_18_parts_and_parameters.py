"""
Ablation of D2ACE
=================

D2ACE without one of its parts, fold by fold against the whole, from the fits of our study that are
kept in ``docs/results``: dots on both sides of zero say that the part may not matter.
``--preset ablation`` of the benchmark makes such fits with CLIF.
"""

import importlib.util
from pathlib import Path

from matplotlib import pyplot as plt

from skd2ace import MultiLabelNetClassifier
from skd2ace.benchmark import Experiment
from skd2ace.datasets import load_yeast
from skd2ace.inspection import AblationDisplay, SensitivityDisplay
from skd2ace.networks import MLP
from skd2ace.selection import D2ACE

here = Path.cwd()
root = next(folder for folder in (here, *here.parents) if (folder / "docs/results").is_dir())
spec = importlib.util.spec_from_file_location("tables", root / "examples/benchmarks/tables.py")
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)

kept = tables.read_results("selection.jsonl.gz")
names = {
    "mlp-tuned d2ace": "D2ACE",
    "mlp-tuned random": "shuffling",
    "mlp-tuned d2ace-hardness": "hardness only",
    "mlp-tuned d2ace-uncertainty": "uncertainty only",
    "mlp-tuned d2ace-no-label-weight": "no label weights",
    "mlp-tuned d2ace-no-correlation": "no correlation",
}
kept = kept[kept["method"].isin(names) & kept["dataset"].isin(["flags", "emotions", "birds"])]
kept = kept[kept["fold"] < 5].replace({"method": names})
AblationDisplay.from_results(kept, "macro_auc", baseline="D2ACE").plot()
plt.show()

# %%
# The pressure, from none (shuffling) to so much that few instances are drawn: a small network on a
# part of yeast, three folds. The band is from the worst fold to the best, wider than what the
# pressure changes.

settings = {"lr": 3e-3, "max_epochs": 10, "batch_size": 64, "train_split": None, "verbose": 0}
methods = {
    f"pressure={s}": MultiLabelNetClassifier(MLP, batch_selector=D2ACE(pressure=s), **settings)
    for s in (1, 10, 100, 1000)
}
X, Y = load_yeast(return_X_y=True)
results = Experiment({"yeast, 800 rows": (X[:800], Y[:800])}, methods, cv=3).run(progress=False)
SensitivityDisplay.from_results(results, "macro_auc", parameter="pressure").plot()
plt.show()
