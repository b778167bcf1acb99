"""Displays of tables of results hold the right numbers and show them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from sklearn.datasets import make_multilabel_classification

from skd2ace import CLIFClassifier
from skd2ace.benchmark import Experiment, Store
from skd2ace.inspection import (
    AblationDisplay,
    EfficiencyDisplay,
    SensitivityDisplay,
    TrainingCurvesDisplay,
)

RUNS = [(fold, seed) for fold in range(3) for seed in range(2)]


def make_results(methods, datasets=("a", "b")):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {
                "dataset": dataset, "method": method, "fold": fold, "seed": seed,
                "macro_auc": rng.uniform(), "fit_seconds": rng.uniform(1, 9),
            }
            for dataset in datasets
            for method in methods
            for fold, seed in RUNS
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two methods, two folds, three epochs."""
    X, Y = make_multilabel_classification(n_samples=60, n_classes=3, random_state=0)
    store = Store(tmp_path_factory.mktemp("store") / "results.sqlite")
    settings = {"max_epochs": 3, "verbose": 0}
    methods = {"clif": CLIFClassifier(**settings), "fast": CLIFClassifier(lr=0.01, **settings)}
    Experiment({"made": (X, Y)}, methods, cv=2, store=store).run(progress=False)
    return store


def test_what_a_store_gives_can_be_drawn(store):
    curves = store.curves()
    display = TrainingCurvesDisplay.from_results(curves).plot()
    for method, table in display.curves.items():
        rows = curves[curves["method"] == method].pivot(
            index="epoch", columns="fold", values="valid_macro_auc"
        )
        np.testing.assert_allclose(table["mean"], rows.mean(axis=1))
        np.testing.assert_allclose(table["low"], rows.min(axis=1))
        np.testing.assert_allclose(table["high"], rows.max(axis=1))
    results = store.results()
    seconds = EfficiencyDisplay.from_results(results).plot().seconds
    fast = results.loc[results["method"] == "fast", "fit_seconds"]
    assert seconds.loc["fast", "made"] == pytest.approx(fast.median())
    assert list(AblationDisplay.from_results(results, "macro_auc", baseline="clif").differences)
    plt.close("all")


def test_curves_of_fits():
    X, Y = make_multilabel_classification(n_samples=60, n_classes=3, random_state=0)
    fits = [
        CLIFClassifier(max_epochs=4, random_state=seed, verbose=0).fit(X, Y) for seed in range(2)
    ]
    display = TrainingCurvesDisplay.from_estimators({"CLIF": fits})
    scores = np.array([fit.history[:, "valid_macro_auc"] for fit in fits])
    np.testing.assert_allclose(display.curves["CLIF"]["mean"], scores.mean(0))
    timed = TrainingCurvesDisplay.from_estimators({"CLIF": fits[0]}, against="seconds").plot()
    assert timed.ax_.get_xlabel() == "Seconds"
    np.testing.assert_allclose(timed.ax_.lines[0].get_xdata(), np.cumsum(fits[0].history[:, "dur"]))
    np.testing.assert_allclose(timed.ax_.lines[0].get_ydata(), scores[0])
    with pytest.raises(ValueError, match="several fits"):
        TrainingCurvesDisplay.from_estimators({"CLIF": fits}, against="seconds")
    with pytest.raises(ValueError, match="CLIF: its history has no 'oob_macro_auc'"):
        TrainingCurvesDisplay.from_estimators({"CLIF": fits}, "oob_macro_auc")
    with pytest.raises(ValueError, match="against"):
        TrainingCurvesDisplay.from_estimators({"CLIF": fits}, against="steps")
    plt.close("all")


def test_a_data_set_must_be_meant(store):
    curves = store.curves()
    both = pd.concat([curves, curves.assign(dataset="other")])
    with pytest.raises(ValueError, match=r"dataset must be given, one of \['made', 'other'\]"):
        TrainingCurvesDisplay.from_results(both)
    assert len(TrainingCurvesDisplay.from_results(both, dataset="other").curves) == 2
    with pytest.raises(ValueError, match="dataset='third' has no curve"):
        TrainingCurvesDisplay.from_results(both, dataset="third")


def test_bands_of_few_methods_only(store):
    curves = store.curves()
    few = TrainingCurvesDisplay.from_results(curves).plot()
    assert len(few.ax_.collections) == 2
    copies = [curves.assign(method=curves["method"] + str(k)) for k in range(3)]
    many = TrainingCurvesDisplay.from_results(pd.concat(copies)).plot()
    assert (len(many.ax_.lines), len(many.ax_.collections)) == (6, 0)
    plt.close("all")


def test_seconds_of_methods_that_were_not_run_everywhere():
    results = make_results(["fast", "slow"])
    results = results[(results["dataset"] == "a") | (results["method"] == "fast")]
    display = EfficiencyDisplay.from_results(results).plot()
    assert np.isnan(display.seconds.loc["slow", "b"])
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["fast", "slow"]
    by_name = {line.get_label(): line.get_xdata() for line in display.ax_.lines}
    np.testing.assert_array_equal(by_name["a"], display.seconds["a"])
    assert display.ax_.get_xscale() == "log"
    plt.close(display.figure_)
    with pytest.raises(ValueError, match="no fit_seconds"):
        EfficiencyDisplay.from_results(results.assign(fit_seconds=np.nan))


def test_differences_are_paired():
    results = make_results(["whole", "less", "more"])
    display = AblationDisplay.from_results(results, "macro_auc", baseline="whole").plot()
    for name, table in display.differences.items():
        assert list(table) == ["less", "more"]
        for (fold, seed), row in table.iterrows():
            at = results[
                (results["dataset"] == name) & (results["fold"] == fold) & (results["seed"] == seed)
            ]
            scores = at.set_index("method")["macro_auc"]
            assert row["less"] == pytest.approx(scores["less"] - scores["whole"])
    dots = display.axes_[0].lines[1].get_xdata()
    np.testing.assert_array_equal(dots, display.differences["a"]["less"])
    plt.close(display.figure_)
    with pytest.raises(ValueError, match=r"baseline='all' is not among .*'less', 'more', 'whole'"):
        AblationDisplay.from_results(results, "macro_auc", baseline="all")


def test_settings_of_one_name_are_methods(store):
    """They were averaged together."""
    results = make_results(["whole", "less"], ["a"])
    again = results[results["method"] == "whole"].assign(settings="fedcba9876", fit_seconds=99.0)
    both = pd.concat([results.assign(settings="0123456789"), again])
    own = EfficiencyDisplay.from_results(results).seconds["a"]
    seconds = EfficiencyDisplay.from_results(both).seconds["a"].to_dict()
    assert seconds == {"whole 012345": own["whole"], "less": own["less"], "whole fedcba": 99.0}
    fewer = both[(both["settings"] != "fedcba9876") | (both["fold"] == 0)]
    display = AblationDisplay.from_results(fewer, "macro_auc", baseline="whole")
    plain = AblationDisplay.from_results(results, "macro_auc", baseline="whole")
    assert display.baseline == "whole 012345"
    np.testing.assert_array_equal(display.differences["a"]["less"], plain.differences["a"]["less"])
    curves = store.curves()
    other = curves.assign(settings="fedcba9876", valid_macro_auc=0.0)
    display = TrainingCurvesDisplay.from_results(pd.concat([curves, other]))
    for name, table in TrainingCurvesDisplay.from_results(curves).curves.items():
        (digest,) = curves.loc[curves["method"] == name, "settings"].unique()
        pd.testing.assert_frame_equal(display.curves[f"{name} {digest[:6]}"], table)
        assert (display.curves[f"{name} fedcba"] == 0).all(axis=None)


def test_values_of_a_parameter():
    results = make_results(["clif K=10", "clif K=2", "clif K=2.5", "clif K=0", "clif", "other L=1"])
    display = SensitivityDisplay.from_results(results, "macro_auc", parameter="K").plot()
    assert list(display.scores["a"].index) == ["0", "2", "2.5", "10"]
    rows = results[(results["method"] == "clif K=10") & (results["dataset"] == "b")]["macro_auc"]
    found = display.scores["b"].loc["10"]
    assert found.tolist() == pytest.approx([rows.mean(), rows.min(), rows.max()])
    np.testing.assert_array_equal(display.ax_.lines[1].get_ydata(), display.scores["b"]["mean"])
    plt.close(display.figure_)
    with pytest.raises(ValueError, match="ends in M=value"):
        SensitivityDisplay.from_results(results, "macro_auc", parameter="M")


def test_methods_that_differ_before_the_parameter_have_lines_of_their_own():
    names = ["clif K=10", "clif K=2", "dela K=2", "dela K=10", "K=2", "clif K=1 L=1"]
    results = make_results(names)
    scores = SensitivityDisplay.from_results(results, "macro_auc", parameter="K").scores
    assert [*scores] == [f"{data}: {name}" for data in "ab" for name in ("clif", "dela", "")]
    of_dela = results[(results["method"] == "dela K=2") & (results["dataset"] == "b")]
    assert scores["b: dela"].index.tolist() == ["2", "10"]
    assert scores["b: dela"]["mean"]["2"] == pytest.approx(of_dela["macro_auc"].mean())


def test_values_stand_in_their_order_whichever_line_has_them():
    names = ["clif K=8", "clif K=4", "dela K=8 0a1b2c", "dela K=2", "dela K=8 1b2c3d", "dela K=4"]
    results = make_results(names)
    display = SensitivityDisplay.from_results(results, "macro_auc", parameter="K").plot()
    display.figure_.canvas.draw()
    ticks = [tick.get_text() for tick in display.ax_.get_xticklabels()]
    assert ticks == ["2", "4", "8", "8 0a1b2c", "8 1b2c3d"]
    for line in display.ax_.lines:
        assert (np.diff(line.get_xdata(orig=False)) > 0).all()
    plt.close(display.figure_)


def test_values_that_are_no_numbers_stay_in_their_order():
    results = make_results(["mixture=0.9 to 0.1", "mixture=0.3 to 0.7"])
    display = SensitivityDisplay.from_results(results, "macro_auc", parameter="mixture")
    assert list(display.scores["a"].index) == ["0.9 to 0.1", "0.3 to 0.7"]


@pytest.mark.parametrize(
    "make",
    [
        TrainingCurvesDisplay.from_results,
        EfficiencyDisplay.from_results,
        lambda frame: AblationDisplay.from_results(frame, "macro_auc", baseline="x"),
        lambda frame: SensitivityDisplay.from_results(frame, "macro_auc", parameter="x"),
    ],
)
def test_columns_that_are_missing(make):
    with pytest.raises(ValueError, match=r"fold|epoch|fit_seconds"):
        make(make_results(["x"])[["dataset", "method"]])
