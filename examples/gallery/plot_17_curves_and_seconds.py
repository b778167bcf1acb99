"""
Training curves and training time
=================================

A small experiment, three folds of a mixed table: a plain network with shuffled batches and with
three selectors. Bands are from the lowest fold to the highest; where they overlap, curves say
little.
"""

import importlib.util
from pathlib import Path
from tempfile import mkdtemp

from matplotlib import pyplot as plt

from skd2ace import MultiLabelNetClassifier
from skd2ace.benchmark import Experiment, Store
from skd2ace.datasets import make_mixed_table
from skd2ace.inspection import EfficiencyDisplay, TrainingCurvesDisplay
from skd2ace.networks import MLP
from skd2ace.preprocessing import TabularPreprocessor
from skd2ace.selection import D2ACE, HardImb, InfoBatch

settings = {"lr": 3e-3, "max_epochs": 24, "batch_size": 64, "verbose": 0}
selectors = {
    "shuffling": None,
    "D2ACE": D2ACE(),
    "HardImb": HardImb(),
    "InfoBatch": InfoBatch(),
}
methods = {
    name: MultiLabelNetClassifier(MLP, batch_selector=selector, **settings)
    for name, selector in selectors.items()
}
X, Y = make_mixed_table(800, random_state=0)
data = {"mixed table": (TabularPreprocessor().fit_transform(X), Y)}
store = Store(Path(mkdtemp()) / "small.sqlite")
Experiment(data, methods, cv=3, store=store).run(progress=False)
TrainingCurvesDisplay.from_results(store.curves()).plot()
plt.show()

# %%
# Seconds of a fit, from the fits that are kept in ``docs/results``: one thread each, on a machine
# that ran others at the same time, so that they are upper bounds.

here = Path.cwd()
root = next(folder for folder in (here, *here.parents) if (folder / "docs/results").is_dir())
spec = importlib.util.spec_from_file_location("tables", root / "examples/benchmarks/tables.py")
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)

kept = tables.read_results()
names = {
    "logistic-regression": "logistic regression",
    "random-forest": "random forest",
    "tabm random": "TabM",
    "clif random": "CLIF",
    "dela random": "DELA",
    "paca random": "PACA",
}
kept = kept[kept["method"].isin(names) & kept["dataset"].isin(["flags", "birds", "yeast", "enron"])]
EfficiencyDisplay.from_results(kept.replace({"method": names})).plot()
plt.show()
