"""Curves of few epochs can be read: points are seen, and epochs are whole numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from skd2ace.benchmark.report import _pictures


@pytest.fixture
def drawn(monkeypatch):
    """Return the figure of a picture of some epochs."""

    def draw(n_epochs, methods="A"):
        figures = []

        def figure(size):
            figures.append(Figure(figsize=size, layout="constrained"))
            return figures[-1]

        monkeypatch.setattr(_pictures, "_make_figure", figure)
        epoch = np.arange(n_epochs) + 1
        runs = [
            pd.DataFrame({"method": method, "epoch": epoch})
            # Ends of training that are close together, as they are.
            .assign(valid_macro_auc=0.8 - 0.4 * np.exp(-epoch / 8) + number / 200)
            for number, method in enumerate(methods)
        ]
        _pictures.draw_curves("yeast", pd.concat(runs))
        return figures[0]

    return draw


@pytest.mark.parametrize("n_epochs", [1, 2, 3, 12, 100])
def test_ticks_are_whole_epochs(drawn, n_epochs):
    (axes,) = drawn(n_epochs).axes
    ticks = axes.get_xticks()
    assert (ticks == ticks.round()).all()
    assert any(1 <= tick <= n_epochs for tick in ticks)
    # Without a marker, one epoch is a line of no length.
    (line,) = axes.lines
    assert (line.get_marker() not in ("", "None")) == (n_epochs <= 10)


@pytest.fixture
def nine(drawn):
    return drawn(60, "ABCDEFGHI")


def test_nine_methods_are_told_apart_without_their_colours(nine):
    lines = nine.axes[0].lines
    assert len(lines) == 9
    looks = {
        (str(line.get_linestyle()), str(line._dash_pattern), line.get_marker()) for line in lines
    }
    assert len(looks) == 9
    assert len({line.get_color() for line in lines}) == 9
    assert all(line.get_marker() not in ("", "None") for line in lines)


def test_marks_of_methods_do_not_cover_each_other(nine):
    """Each line has several, none where another has one."""
    for axes in nine.axes:
        epochs = [list(line.get_xdata()[line.get_markevery()]) for line in axes.lines]
        assert all(len(of_line) > 2 for of_line in epochs)
        if axes is nine.axes[0]:
            assert len({epoch for of_line in epochs for epoch in of_line}) == sum(map(len, epochs))


def test_the_end_of_training_is_seen_close_up(nine):
    whole, end = nine.axes
    assert [line.get_xdata()[0] for line in whole.lines] == [1] * 9
    assert [line.get_xdata()[0] for line in end.lines] == [31] * 9
    heights = [np.ptp(axes.get_ylim()) for axes in (whole, end)]
    assert heights[1] < heights[0] / 2
    (legend,) = nine.legends
    assert [text.get_text().strip() for text in legend.get_texts()] == list("ABCDEFGHI")
    # Outside the panels: no curve is below it.
    nine.canvas.draw()
    assert not any(
        legend.get_window_extent().overlaps(axes.get_window_extent()) for axes in nine.axes
    )
