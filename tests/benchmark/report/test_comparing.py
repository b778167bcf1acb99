"""Reports compare methods with intervals, in pairs, and say what is not there."""

import re

import numpy as np
import pandas as pd
import pytest

from skd2ace.benchmark import (
    average_ranks,
    differences,
    format_means,
    friedman,
    mean_table,
    ranks,
    report,
    wilcoxon_against,
)

KEYS = ["dataset", "method", "fold", "seed"]


def make_results(levels, datasets=("yeast", "scene", "enron"), n_folds=3, spread=0.001):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"dataset": dataset, "method": method, "fold": fold, "seed": 0}
        | {"macro_auc": level + spread * rng.random()}
        for dataset in datasets
        for method, level in levels.items()
        for fold in range(n_folds)
    )


@pytest.fixture
def results():
    return make_results({"A": 0.7, "B": 0.9, "C": 0.8})


def failures_of(*keys):
    return pd.DataFrame(keys, columns=KEYS).assign(error="Traceback")


def lines_of(text):
    return [line for line in text.splitlines() if line]


NUMBER = r"[+-]\d\.\d{4}"
INTERVAL = rf"{NUMBER} \({NUMBER} to {NUMBER}\)"


@pytest.mark.parametrize("format", ["markdown", "html", "latex"])
def test_without_a_reference_there_are_intervals_all_the_same(results, format):
    text = report(results, format=format).replace("$-$", "-")
    assert "No reference was given: B is the method of the best average rank." in text
    assert len(re.findall(INTERVAL, text)) == 3 * 2, "B against A and C on each dataset"
    places = [text.index(head) for head in ("Differences from B", "Ranks", "Tests against B")]
    assert text.index("±" if format != "latex" else r"$\pm$") < places[0]
    assert places == sorted(places)


def test_the_reference_is_the_best_in_the_metrics_direction(results):
    losses = results.rename(columns={"macro_auc": "label_ranking_loss"})
    assert "## Differences from A\n" in report(losses, metric="label_ranking_loss")


def test_of_methods_as_good_the_first_by_name_is_the_reference():
    runs = {"fold": [0, 1, 0, 1], "seed": 0}
    tied = [
        pd.DataFrame({"dataset": ["s", "s", "t", "t"], "method": method, **runs, "macro_auc": auc})
        for method, auc in (("Z", [0.9, 0.8, 0.5, 0.4]), ("Y", [0.7, 0.8, 0.6, 0.6]))
    ]
    assert "Differences from Y" in report(pd.concat(tied))


def test_where_nothing_is_ranked_the_reference_has_the_most_runs(results):
    gaps = results["fold"].eq(1) & results["method"].eq("B")
    gaps |= results["fold"].eq(1) & results["method"].eq("C") & results["dataset"].eq("scene")
    text = report(results[~gaps])
    assert "A is the method of the most runs (nothing can be ranked).\n" in text, "no bias in that"
    assert len(re.findall(rf"{INTERVAL}, 2 of 3 runs", text)) == 3 + 1, "B everywhere, C on scene"
    assert len(re.findall(INTERVAL, text)) == 3 * 2
    assert "only those that both methods have are compared." in text


def test_a_single_method_is_compared_with_nothing(results):
    text = report(results[results["method"] == "B"])
    assert "There is no other method to compare with." in text
    assert "reference" not in text
    assert not re.search(NUMBER, text)


def test_bold_differences_are_those_beyond_chance():
    results = make_results({"far": 0.5, "near": 0.8999, "best": 0.9}, spread=0.05)
    rows = lines_of(report(results, reference="best").partition("Differences")[2])
    header = [cell.strip() for cell in rows[2].strip("| ").split("|")]
    assert header == ["dataset", "far", "near"]
    for row in rows[4:7]:
        _, far, near = (cell.strip() for cell in row.strip("| ").split("|"))
        assert re.fullmatch(rf"\*\*{INTERVAL}\*\*", far)
        assert re.fullmatch(INTERVAL, near)


@pytest.mark.parametrize("format", ["markdown", "html", "latex"])
def test_intervals_of_two_folds_come_with_a_caution(results, format):
    assert "Caution" not in report(results, format=format)
    fewer = results[~(results["dataset"].eq("scene") & results["fold"].eq(2))]
    caution = "Caution: on scene there are intervals that stand on two folds"
    assert caution in report(fewer, format=format)
    # Of three folds, two are what both have.
    lost = results["dataset"].eq("enron") & results["method"].eq("A") & results["fold"].eq(0)
    assert "Caution: on enron" in report(results[~lost], format=format)


def test_many_methods_are_rows():
    results = make_results({f"method {number:02}": 0.5 + number / 100 for number in range(15)})
    text = report(results)
    rows = [line for line in lines_of(text) if line.startswith("| method 07 |")]
    means, of_folds, rank, *_ = (row.strip("| ").split(" | ") for row in rows)
    of_method = results[results["method"] == "method 07"].groupby("dataset", sort=False)
    expected = [f"{value:.4f}" for value in of_method["macro_auc"].mean()]
    assert [cell[:6] for cell in means[1:]] == expected
    assert len(of_folds) == 4
    assert float(rank[1]) == 8
    best = next(line for line in lines_of(text) if line.startswith("| method 14 |"))
    assert best.count("**") == 2 * 3


def test_one_fold_tells_nothing_apart(results):
    text = report(results[results["fold"] == 0])
    assert "two folds on which both methods have the same runs. Nothing by which" in text
    assert "can be told apart from chance." in text
    assert not re.search(NUMBER, text)


COMPARISONS = {
    "ranks": lambda results: ranks(results, "macro_auc"),
    "average_ranks": lambda results: average_ranks(results, "macro_auc"),
    "friedman": lambda results: friedman(results, "macro_auc"),
    "wilcoxon_against": lambda results: wilcoxon_against(results, "macro_auc", "A"),
    "mean_table": lambda results: mean_table(results, "macro_auc"),
    "differences": lambda results: differences(results, "macro_auc", "A"),
    "report": report,
}


@pytest.mark.parametrize("compare", COMPARISONS.values(), ids=COMPARISONS)
def test_methods_of_other_folds_are_not_compared(compare):
    results = make_results({"A": 0.7, "B": 0.9, "C": 0.8, "D": 0.6})
    paired = results.assign(split=results["dataset"] + results["fold"].astype(str))
    compare(paired)
    stranger = paired["method"].eq("B") & paired["dataset"].eq("scene") & paired["fold"].eq(2)
    unpaired = paired.assign(split=paired["split"].mask(stranger, "other"))
    with pytest.raises(ValueError, match=r"On scene, .*: \[A, C, D\]; \[B\]\. .*--methods"):
        compare(unpaired)
    compare(unpaired[unpaired["method"] != "B"])
    # Rows of older stores do not say on what they were fitted.
    compare(paired.assign(split=paired["split"].mask(stranger)))
    compare(paired.assign(split=np.nan))


def test_runs_without_a_value_need_no_pair(results):
    lost = results["method"].eq("B") & results["fold"].eq(2)
    split = results["fold"].astype(str).mask(lost, "other")
    unused = results.assign(split=split, macro_auc=results["macro_auc"].mask(lost))
    assert mean_table(unused, "macro_auc").loc["yeast", ("n_runs", "B")] == 2


@pytest.mark.parametrize("format", ["markdown", "html", "latex"])
def test_what_is_not_there_is_named(results, format):
    is_of = {name: results["method"].eq(name) for name in "ABC"}
    lost = (is_of["A"] & results["fold"].eq(2)) | (
        is_of["C"] & results["dataset"].eq("yeast") & results["fold"].eq(0)
    )
    undefined = is_of["B"] & results["dataset"].eq("enron")
    results = results.assign(macro_auc=results["macro_auc"].mask(undefined))[~lost]
    failures = failures_of(
        ("yeast", "C", 0, 0),
        # Failed with other settings, and is there with these.
        ("yeast", "B", 0, 0),
        *((name, "D", fold, 0) for name in ("yeast", "scene") for fold in range(3)),
    )
    said = (
        "3 datasets, 3 methods, 3 folds, 1 seed. Of 36 fits, 20 have a value; failed: C (1), "
        "D (6); missing: A (3), D (3); without a value: B (3). No fit of D succeeded."
    )
    assert said in report(results, failures=failures, format=format)


def test_datasets_on_which_all_failed_are_named(results):
    failures = failures_of(*(("birds", method, fold, 0) for method in "ABC" for fold in range(3)))
    first = lines_of(report(results, failures=failures))[1]
    assert first.endswith("; failed: A (3), B (3), C (3). No fit on birds succeeded.")
    with pytest.raises(ValueError, match=r"failures lacks the columns \['fold'\]"):
        report(results, failures=failures.drop(columns="fold"))


def test_datasets_of_several_sizes(results):
    kept = results[~(results["dataset"].eq("yeast") & results["fold"].eq(2))]
    assert "3 methods, 2 to 3 folds, 1 seed. All 24 fits have a value." in report(kept)


@pytest.mark.parametrize("format", ["markdown", "html", "latex"])
def test_with_what_it_was_run(results, format):
    n = len(results)
    versions = {"skd2ace": "0.1.0", "torch": "2.13.0", "scikit-learn": "1.9.1", "numpy": "2.4.6"}
    older = versions | {"torch": "2.12.1", "skd2ace": None}
    told = results.assign(
        versions=[versions, older, None] + [versions] * (n - 3),
        machine=["one x86-64", None] * (n // 2) + ["one x86-64"] * (n % 2),
        device=["cpu", "cuda"] + ["cpu"] * (n - 2),
        git_commit=[f"{number:040x}"[::-1] for number in range(n)],
        started=["2026-11-23T01:00:00", "2026-11-21T23:59:59"] + ["2026-11-22T00:00:00"] * (n - 2),
    )
    assert (
        "Fitted with: skd2ace 0.1.0, torch 2.12.1 and 2.13.0, scikit-learn 1.9.1; machine one "
        "x86-64; device cpu and cuda; commit several; 2026-11-21 to 2026-11-23."
    ) in report(told, format=format)


def test_only_what_is_known_is_told(results):
    assert "Fitted with" not in report(results)
    nothing = results.assign(versions=None, machine=np.nan, started=None)
    assert "Fitted with" not in report(nothing)
    once = report(results.assign(git_commit="0123456789abcdef", started="2026-11-21T10:00:00"))
    assert "Fitted with: commit 0123456789; 2026-11-21.\n" in once


def test_methods_that_each_lack_another_fold(results):
    """Equal numbers of runs are no equal folds: none is the best, and each says what it lacks."""
    lacks = results["method"].map({"A": 0, "B": 1, "C": 2})
    text = report(results[results["fold"] != lacks], reference="A")
    (line,) = (line for line in text.splitlines() if line.startswith("| yeast | 0."))
    assert line.count("(2 of 3 runs)") == 3
    assert "**" not in line
    assert "No differences: an interval needs two folds on which both" in text


def test_methods_with_more_seeds_are_compared_by_those_that_both_have():
    """What is told is what a report of the common runs alone tells."""
    often = pd.concat([make_results({"A": 0.7}).assign(seed=seed) for seed in range(3)])
    results = pd.concat([often, make_results({"B": 0.9, "C": 0.8})])
    text = report(results, reference="B")
    row = next(line for line in lines_of(text.partition("Differences")[2]) if "| yeast" in line)
    common = lines_of(report(results[results["seed"] == 0], reference="B").partition("Diff")[2])
    expected = next(line for line in common if "| yeast" in line)
    assert row.replace(", 3 of 9 runs", "") == expected
    assert row.count("3 of 9 runs") == 2
    means = text.partition("Differences")[0]
    assert "**" not in means, "nobody is better than the only one with all runs"
    assert "bold is the best of those with all runs, if they are two or more." in means
    assert "if they are two" not in report(results[results["seed"] == 0])


def test_results_must_be_a_table(results):
    for compare in COMPARISONS.values():
        with pytest.raises(TypeError, match="results must be a DataFrame; got ndarray"):
            compare(results.to_numpy())


@pytest.mark.parametrize(("metric", "best"), [("macro_auc", "B"), ("label_ranking_loss", "A")])
def test_a_table_of_means_of_its_own(results, metric, best):
    named = results.rename(columns={"macro_auc": metric})
    table = mean_table(named, metric).loc["scene"]
    cell = f"**{table['mean', best]:.4f} ± {table['std', best]:.4f}**"
    text = format_means(named, metric)
    row = next(line for line in lines_of(text) if line.startswith("| scene"))
    assert row.count("**") == 2
    assert cell in row
    assert row in report(named, metric=metric)
    assert "<strong>" in format_means(named, metric, format="html")
    with pytest.raises(ValueError, match="format must be one of markdown, html, latex; got 'pdf'"):
        format_means(named, metric, format="pdf")
