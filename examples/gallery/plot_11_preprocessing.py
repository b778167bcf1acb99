"""
Features before and after preprocessing
=======================================

``preprocessor="auto"`` brings a table's columns into a form that networks learn from: skewed
measures are scaled by their quartiles and bent to within ±3, counts become quantiles of a normal
distribution.
"""

import numpy as np
from matplotlib import pyplot as plt
from pandas.api.types import is_numeric_dtype

from skd2ace.datasets import make_mixed_table
from skd2ace.preprocessing import TabularPreprocessor

X, Y = make_mixed_table(1500, random_state=0)
columns = [name for name in X if is_numeric_dtype(X[name])][:4]
fig, axes = plt.subplots(2, 4, figsize=(9.4, 4.2), layout="constrained")
for (above, below), name in zip(axes.T, columns, strict=True):
    values = X[[name]]
    prepared = np.asarray(TabularPreprocessor().fit_transform(values))[:, 0]
    above.hist(values[name].dropna(), 40, color="#c9c9c4")
    below.hist(prepared[values[name].notna()], 40, color="#2a78d6")
    above.set_title(name, fontsize=10, loc="left")
    below.set_xlim(-3.2, 3.2)
    for ax in (above, below):
        ax.set_yticks([])
        ax.spines[["top", "right", "left"]].set_visible(False)
axes[0, 0].set_ylabel("as it is")
axes[1, 0].set_ylabel("prepared")
plt.show()
