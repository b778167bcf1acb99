"""
Critical difference diagram
===========================

Average ranks by Macro-AUC over the data sets where all of the methods have all five folds, from
``docs/results``. A bar joins methods that Nemenyi's test does not separate.
"""

import importlib.util
from pathlib import Path

from matplotlib import pyplot as plt

from skd2ace.inspection import CriticalDifferenceDisplay

here = Path.cwd()
root = next(folder for folder in (here, *here.parents) if (folder / "docs/results").is_dir())
spec = importlib.util.spec_from_file_location("tables", root / "examples/benchmarks/tables.py")
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)

groups = tables.read_results().groupby(["dataset", "method"])
means = groups["macro_auc"].mean().where(groups["fold"].nunique() == tables.N_FOLDS).unstack()
means = means[list(tables.COMPARED)].dropna().rename(columns=tables.TITLES)
display = CriticalDifferenceDisplay.from_results(means, "macro_auc", higher_is_better=True)
display.plot()
plt.show()
