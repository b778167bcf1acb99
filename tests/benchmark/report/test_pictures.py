"""Curves of few epochs can be read: points are seen, and epochs are whole numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from skd2ace.benchmark.report import _pictures


@pytest.fixture
def drawn(monkeypatch):
    """Return the axes of a picture of some epochs."""

    def draw(n_epochs):
        figures = []

        def figure(size):
            figures.append(Figure(figsize=size, layout="constrained"))
            return figures[-1]

        monkeypatch.setattr(_pictures, "_make_figure", figure)
        runs = {"method": "A", "epoch": np.arange(n_epochs) + 1, "valid_macro_auc": 0.5}
        _pictures.draw_curves("yeast", pd.DataFrame(runs))
        return figures[0].axes[0]

    return draw


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 12, 100])
def test_ticks_are_whole_epochs(drawn, n_epochs):
    axes = drawn(n_epochs)
    ticks = axes.get_xticks()
    assert (ticks == ticks.round()).all()
    assert any(1 <= tick <= n_epochs for tick in ticks)
    # Without a marker, one epoch is a line of no length.
    (line,) = axes.lines
    assert (line.get_marker() not in ("", "None")) == (n_epochs <= 10)
