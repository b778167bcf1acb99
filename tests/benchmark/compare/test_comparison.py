"""A comparison is made once, and its numbers are those of the functions."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from skd2ace.benchmark import (
    Comparison,
    Experiment,
    Store,
    average_ranks,
    differences,
    friedman,
    mean_table,
    published,
    ranks,
    report,
    wilcoxon_against,
    write_report,
)
from skd2ace.inspection import CriticalDifferenceDisplay
from skd2ace.neighbors import MLkNN


@pytest.fixture
def results(frame):
    rng = np.random.default_rng(0)
    return frame(
        {
            (f"set{number}", method): level + 0.02 * rng.random((3, 2))
            for number in range(4)
            for method, level in (("A", 0.7), ("B", 0.73), ("C", 0.69))
        }
    )


@pytest.mark.parametrize("upward", [True, False])
def test_numbers_are_those_of_the_functions(results, upward):
    given = {"higher_is_better": upward}
    comparison = Comparison(results, reference="B", **given)
    same = pd.testing.assert_frame_equal
    same(comparison.mean_table, mean_table(results, "macro_auc"))
    same(comparison.ranks, ranks(results, "macro_auc", **given))
    expected = average_ranks(results, "macro_auc", **given)
    pd.testing.assert_series_equal(comparison.average_ranks, expected)
    assert comparison.friedman() == friedman(results, "macro_auc")
    for correction in (None, "holm"):
        found = comparison.wilcoxon(correction=correction)
        same(found, wilcoxon_against(results, "macro_auc", "B", correction=correction, **given))
    found = comparison.differences(confidence=0.9)
    same(found, differences(results, "macro_auc", "B", confidence=0.9, **given))
    display = comparison.critical_difference(alpha=0.1)
    alone = CriticalDifferenceDisplay.from_results(results, "macro_auc", **given, alpha=0.1)
    assert display.critical_difference_ == alone.critical_difference_
    same(display.p_values, alone.p_values)
    assert write_report(comparison) == report(results, reference="B", **given)


def test_runs_are_laid_out_once(results, monkeypatch):
    """One table for each data set, whatever the report makes of it."""
    laid_out = []
    pivot = pd.DataFrame.pivot

    def count(frame, **given):
        laid_out.append(len(frame))
        return pivot(frame, **given)

    monkeypatch.setattr(pd.DataFrame, "pivot", count)
    comparison = Comparison(results)
    write_report(comparison, format="html")
    assert laid_out == [3 * 3 * 2] * 4


def test_what_it_holds(results):
    comparison = Comparison(
        results.rename(columns={"macro_auc": "label_ranking_loss"}), "label_ranking_loss"
    )
    assert (comparison.metric, comparison.title) == ("label_ranking_loss", "Ranking loss")
    assert not comparison.higher_is_better
    assert comparison.datasets == [f"set{number}" for number in range(4)]
    assert comparison.methods == ["A", "B", "C"]
    assert comparison.reference == "C", "the least loss"
    table = comparison.runs["set2"]
    assert table.shape == (3 * 2, 3)
    row = results.query("dataset == 'set2' and method == 'B' and fold == 1 and seed == 0")
    assert table.loc[(1, 0), "B"] == row["macro_auc"].item()
    assert comparison.unpaired.empty


def test_what_is_wrong_is_found_when_it_is_made(results):
    with pytest.raises(ValueError, match=r"reference must be one of A, B, C; got 'Z'"):
        Comparison(results, reference="Z")
    with pytest.raises(ValueError, match="more than once"):
        Comparison(pd.concat([results, results]))
    with pytest.raises(ValueError, match="no number of metric='macro_auc'"):
        Comparison(results.assign(macro_auc=np.nan))
    with pytest.raises(
        ValueError, match=r"curves lacks the columns \['epoch', 'valid_macro_auc'\]"
    ):
        Comparison(results, curves=results)
    with pytest.raises(TypeError, match="failures must be a DataFrame; got list"):
        Comparison(results, failures=[1])
    with pytest.raises(TypeError, match="results must be a DataFrame; got NoneType"):
        Comparison(None)


def stored(results, **columns):
    """Results as of a store: settings, folds and the time are known."""
    known = {
        "settings": results["method"] + "0123456789",
        "split": results["dataset"] + results["fold"].astype(str),
        "started": "2026-11-20T10:00:00",
    }
    return results.assign(**(known | columns))


def of(results, method, **columns):
    return results[results["method"] == method].assign(**columns)


def test_settings_of_one_name_are_methods(results):
    known = stored(results)
    again = of(known, "B", settings="fedcba9876")
    both = pd.concat([known, again])
    names = ["A", "B B01234", "B fedcba", "C"]
    assert sorted(Comparison(both).methods) == names
    table = mean_table(both, "macro_auc")["mean"]
    assert sorted(table) == names
    assert (table["B fedcba"] == table["B B01234"]).all()
    assert sorted(average_ranks(both, "macro_auc").index) == names
    display = CriticalDifferenceDisplay.from_results(both, "macro_auc")
    assert sorted(display.average_ranks.index) == names
    # Those that cannot be told apart are refused as before.
    with pytest.raises(ValueError, match="more than once"):
        Comparison(both.drop(columns="settings"))


def test_which_setting_a_reference_stands_for(results):
    known = stored(results)
    other = of(known, "B", settings="fedcba9876", started="2026-11-19T10:00:00")
    newer = other.assign(started="2026-11-21T10:00:00")
    trial = newer[newer["dataset"] == "set0"]
    for second, meant in ((other, "B B01234"), (newer, "B fedcba"), (trial, "B B01234")):
        both = pd.concat([known, second])
        comparison = Comparison(both, reference="B")
        assert comparison.reference == meant
        assert f"B was run with several settings and stands here for {meant}, the one" in (
            write_report(comparison)
        )
        others = {"A", "B B01234", "B fedcba", "C"} - {meant}
        assert set(wilcoxon_against(both, "macro_auc", "B").index) == others
        assert set(differences(both, "macro_auc", "B")["method"]) == others
    assert Comparison(both, reference="B fedcba").chosen_reference == ("B fedcba", "")
    with pytest.raises(ValueError, match=r"one of A, B B01234, C, B fedcba; got 'B 012345'"):
        Comparison(both, reference="B 012345")


def test_which_folds_stay(results):
    known = stored(results)
    trial = of(known, "B", settings="fedcba9876", split="x", started="2026-11-21T10:00:00")
    trial = trial[trial["dataset"].isin(["set1", "set3"])]
    assert Comparison(pd.concat([trial, known])).methods == ["A", "B B01234", "C"]
    # As the reference that is meant, it stays and the others go.
    comparison = Comparison(pd.concat([trial, known]), reference="B fedcba")
    assert (comparison.methods, comparison.datasets) == (["B fedcba"], ["set1", "set3"])
    assert set(comparison.unpaired["method"]) == {"A", "B B01234", "C"}
    # Where as many methods were run anew, the newer ones stay.
    again = known.assign(settings="f" + known["settings"], split="x", started="2026-11-21T10:00:00")
    assert Comparison(pd.concat([again, known])).methods == ["A fA0123", "B fB0123", "C fC0123"]
    older = again.assign(started="2026-11-19T10:00:00")
    assert Comparison(pd.concat([older, known])).methods == ["A A01234", "B B01234", "C C01234"]
    # Runs of one method only are compared with nothing; a seed more is no other fold.
    more = of(known[known["seed"] == 0], "B", seed=7, split="x")
    assert Comparison(pd.concat([known, more])).methods == ["A", "B", "C"]


def test_the_folds_of_a_reference_of_several_settings_stay(results):
    """They were those of the most methods."""
    known = stored(results)
    anew = {"split": "x" + known["split"], "started": "2026-11-19T10:00:00"}
    same_folds = of(known.assign(**anew), "B", settings="fedcba9876")
    fewer_runs = of(known, "B", settings="fedcba9876").query("fold == 0")
    others = known[known["method"] != "B"]
    for one in (of(known.assign(**anew), "B"), of(known.assign(**anew), "B")[:-1]):
        comparison = Comparison(pd.concat([one, same_folds, others]), reference="B")
        assert sorted(comparison.methods) == ["B B01234", "B fedcba"]
    several = [of(known.assign(**anew), "B"), fewer_runs, others]
    comparison = Comparison(pd.concat(several), reference="B")
    assert (comparison.methods, comparison.reference) == (["B B01234"], "B B01234")


def test_folds_that_differ_are_refused_where_settings_are_not_known(results):
    known = stored(results)
    mixed = known.assign(split=known["split"].mask(known["method"] == "B", "x"))
    with pytest.raises(ValueError, match=r"On set0, methods .* \[A, C\]; \[B\]"):
        Comparison(mixed.drop(columns="settings"))
    assert Comparison(mixed).methods == ["A", "C"]


@pytest.fixture
def store(data, tmp_path):
    """Two data sets, two methods."""
    store = Store(tmp_path / "results.sqlite")
    methods = {"near": MLkNN(3), "prior": DummyClassifier()}
    Experiment({"Flags": data, "birds": data}, methods, 3, store=store).run(progress=False)
    return store


def test_a_comparison_of_a_store_is_that_of_its_tables(store):
    tables = {"failures": store.failures(), "curves": store.curves()}
    expected = report(store.results(), reference="prior", **tables)
    assert write_report(Comparison.from_store(store, reference="prior")) == expected
    losses = Comparison.from_store(store, "label_ranking_loss")
    assert (losses.title, losses.higher_is_better) == ("Ranking loss", False)


def test_names_that_a_store_knows(store):
    part = Comparison.from_store(store, datasets=["flags"], methods=["near"])
    assert (part.datasets, part.methods) == (["Flags"], ["near"])
    both = Comparison.from_store(store, datasets=["BIRDS", "Flags"], methods=["prior", "near"])
    assert (both.datasets, both.methods) == (["Flags", "birds"], ["near", "prior"])
    with pytest.raises(ValueError, match="the store has no dataset 'flag', but Flags, birds"):
        Comparison.from_store(store, datasets=["flag"])
    with pytest.raises(ValueError, match="the store has no method 'Near', but near, prior"):
        Comparison.from_store(store, methods=["Near"])
    with pytest.raises(ValueError, match=r"the store has no metric 'auc', but .*macro_auc, "):
        Comparison.from_store(store, "auc")


def test_a_store_of_nothing(tmp_path):
    with pytest.raises(ValueError, match="no fit of these has succeeded; 0 failed"):
        Comparison.from_store(Store(tmp_path / "s"))


def test_metrics_by_the_names_of_version_0_1(results, store):
    new = results.rename(columns={"macro_auc": "label_ranking_loss"})
    told = "ranking_loss is called label_ranking_loss since"
    with pytest.warns(FutureWarning, match=told):
        comparison = Comparison(new, "ranking_loss", reference="A")
    assert comparison.metric == "label_ranking_loss"
    with pytest.warns(FutureWarning, match=told):
        assert Comparison.from_store(store, "ranking_loss").title == "Ranking loss"
    calls = {
        mean_table: (),
        ranks: (),
        average_ranks: (),
        friedman: (),
        wilcoxon_against: ("A",),
        differences: ("A",),
        CriticalDifferenceDisplay.from_results: (),
    }
    for function, given in calls.items():
        with pytest.warns(FutureWarning, match=told):
            function(new, "ranking_loss", *given)
    # Tables that version 0.1 wrote have its columns.
    old = new.rename(columns={"label_ranking_loss": "ranking_loss"})
    of_old = write_report(Comparison(old, "ranking_loss", reference="A"), published=published())
    assert of_old == write_report(comparison, published=published())
