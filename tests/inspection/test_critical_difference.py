"""Critical difference diagrams hold the right numbers and show them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from skd2ace.benchmark import critical_difference_diagram
from skd2ace.inspection import CriticalDifferenceDisplay


@pytest.fixture
def means():
    """12 datasets, on which A is clearly best, B and C are close, and D is last."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(0, 0.01, (12, 4)), columns=list("ABCD"))
    return table.add([0.9, 0.8, 0.8, 0.7])


def texts(display):
    return [text.get_text().strip() for text in display.ax_.texts]


def bars(display):
    """Where the horizontal bars below the axis begin and end."""
    ends = [(line.get_xdata(), line.get_ydata()) for line in display.ax_.lines]
    return sorted((float(min(x)), float(max(x))) for x, y in ends if len(set(y)) == 1 and y[0] < 0)


def test_numbers_are_those_of_the_statistics(means):
    display = CriticalDifferenceDisplay.from_results(means, "macro_auc")
    assert display.average_ranks["A"] == 1
    assert display.average_ranks["D"] == 4
    assert display.n_datasets == 12
    # q of Demšar's table 5(a) for four methods.
    assert display.critical_difference_ == pytest.approx(2.569 * np.sqrt(4 * 5 / 72), abs=1e-3)
    significant = display.p_values < 0.05
    gaps = np.abs(np.subtract.outer(*[display.average_ranks.to_numpy()] * 2))
    np.testing.assert_array_equal(significant, gaps > display.critical_difference_)


def test_losses_turn_it_round(means):
    display = CriticalDifferenceDisplay.from_results(means, "label_ranking_loss")
    assert display.average_ranks["A"] == 4
    own = CriticalDifferenceDisplay.from_results(means, higher_is_better=False)
    assert own.average_ranks.to_dict() == display.average_ranks.to_dict()


def test_drawing_is_late(means):
    display = CriticalDifferenceDisplay.from_results(means, "macro_auc")
    assert not hasattr(display, "ax_")
    assert plt.get_fignums() == []
    ax = Figure().subplots()
    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure


def test_a_figure_of_its_own(means):
    display = critical_difference_diagram(means, "macro_auc")
    try:
        assert plt.get_fignums() == [display.figure_.number]
    finally:
        plt.close(display.figure_)


def test_what_is_drawn(means):
    display = critical_difference_diagram(means, "macro_auc", ax=Figure().subplots())
    rank = display.average_ranks
    assert {f"A  {rank['A']:.2f}", f"{rank['D']:.2f}  D"} <= set(texts(display))
    cd = display.critical_difference_
    assert f"critical difference {cd:.2f} at level 0.05, 12 datasets" in texts(display)
    joined = [
        (a, b)
        for a, b in bars(display)
        if not any(c <= a and b <= d and (c, d) != (a, b) for c, d in bars(display))
    ]
    assert all(high - low <= cd for low, high in joined)
    lowest, highest = sorted([rank["B"], rank["C"]])
    assert any(low <= lowest and highest <= high for low, high in joined)
    assert not any(low <= rank["A"] and rank["D"] <= high for low, high in joined)
    left, right = display.ax_.get_xlim()
    assert left <= rank.min() < rank.max() <= right, "not turned round, nothing cut off"


def test_level(means):
    strict = CriticalDifferenceDisplay.from_results(means, "macro_auc", alpha=0.01)
    usual = CriticalDifferenceDisplay.from_results(means, "macro_auc")
    assert strict.critical_difference_ > usual.critical_difference_
    with pytest.raises(ValueError, match="alpha must be between 0 and 1; got 5"):
        CriticalDifferenceDisplay.from_results(means, "macro_auc", alpha=5)


def test_names_are_no_formulas(means):
    means.columns = ["$a", r"$\frac$", "_c", "d_e"]
    display = critical_difference_diagram(means, "macro_auc", ax=Figure().subplots())
    display.figure_.canvas.draw()
    assert any(text.endswith(r"$\frac$") or text.startswith(r"$\frac$") for text in texts(display))


def test_methods_that_tie_everywhere():
    means = pd.DataFrame(np.full((3, 3), 0.5), columns=list("ABC"))
    display = critical_difference_diagram(means, "macro_auc", ax=Figure().subplots())
    display.figure_.canvas.draw()
    assert set(display.average_ranks) == {2}


@pytest.mark.parametrize("shape", [(5, 2), (1, 4)])
def test_too_little_to_compare(shape):
    means = pd.DataFrame(np.random.default_rng(0).random(shape))
    with pytest.raises(ValueError, match=f"there are {shape[1]} and {shape[0]}"):
        CriticalDifferenceDisplay.from_results(means, "macro_auc")
