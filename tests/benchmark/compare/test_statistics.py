"""Statistics against scipy, and against examples worked out by hand."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from skd2ace.benchmark import (
    average_ranks,
    differences,
    friedman,
    mean_table,
    ranks,
    wilcoxon_against,
)


@pytest.fixture
def results(frame):
    """9 datasets, 4 methods, 5 folds, 2 seeds."""
    rng = np.random.default_rng(0)
    level = {"A": 0.03, "B": 0.02, "C": 0.0, "D": 0.01}
    return frame(
        {
            (f"set{number}", method): 0.5 + number / 30 + level[method] + 0.02 * rng.random((5, 2))
            for number, method in product(range(9), level)
        }
    )


def test_means_by_hand(frame):
    table = mean_table(
        frame({("s", "A"): [[0.1, 0.3], [0.2, 0.6]], ("s", "B"): [0.5]}), "macro_auc"
    )
    assert table.loc["s", ("mean", "A")] == pytest.approx(0.3)
    # Squares of -0.2, 0, -0.1 and 0.3 add up to 0.14.
    assert table.loc["s", ("std", "A")] == pytest.approx(np.sqrt(0.14 / 3))
    assert table.loc["s", ("n_runs", "A")] == 4
    assert table["mean"].loc["s", "B"] == 0.5
    assert np.isnan(table["std"].loc["s", "B"])


def test_means_keep_order_and_leave_out_nan(frame):
    cells = {("z", "M"): [0.1, np.nan], ("z", "B"): [0.2, 0.4], ("a", "M"): [0.5, 0.5]}
    table = mean_table(frame(cells), "macro_auc")
    assert list(table.index) == ["z", "a"]
    assert list(table["mean"]) == ["M", "B"]
    assert table["n_runs"].to_numpy().tolist() == [[1, 2], [2, 0]]
    assert table["mean"].loc["z", "M"] == 0.1
    assert np.isnan(table["mean"].loc["a", "B"])


def test_ranks_by_hand():
    means = pd.DataFrame({"A": [0.9, 0.8, 0.7], "B": [0.8, 0.8, 0.8], "C": [0.7, 0.8, 0.7]})
    ranked = ranks(means, "macro_auc")
    assert ranked.to_numpy().tolist() == [[1, 2, 3], [2, 2, 2], [2.5, 1, 2.5]]
    assert average_ranks(means, "macro_auc").to_dict() == {
        "A": pytest.approx(5.5 / 3),
        "B": pytest.approx(5 / 3),
        "C": pytest.approx(7.5 / 3),
    }
    lower = ranks(means, "label_ranking_loss")
    assert lower.to_numpy().tolist() == [[3, 2, 1], [2, 2, 2], [1.5, 3, 1.5]]


def test_ranks_of_results_are_those_of_means(results):
    means = mean_table(results, "macro_auc")["mean"]
    expected = stats.rankdata(-means.to_numpy(), axis=1)
    np.testing.assert_array_equal(ranks(results, "macro_auc"), expected)
    np.testing.assert_array_equal(ranks(means, higher_is_better=True), expected)
    shuffled = results.sample(frac=1, random_state=0)
    again = average_ranks(shuffled, "macro_auc")
    assert again.sort_index().to_dict() == average_ranks(results, "macro_auc").to_dict()


def test_rounding_does_not_break_ties():
    assert 0.1 + 0.2 != 0.3
    means = pd.DataFrame({"A": [0.1 + 0.2], "B": [0.3]})
    assert ranks(means, "macro_auc").to_numpy().tolist() == [[1.5, 1.5]]
    assert wilcoxon_against(means, "macro_auc", "A").loc["B", "tie"] == 1


def test_direction_of_metrics_of_ones_own(results):
    own = results.rename(columns={"macro_auc": "my_score"})
    with pytest.raises(ValueError, match="higher_is_better must be given for metric='my_score'"):
        average_ranks(own, "my_score")
    up = average_ranks(own, "my_score", higher_is_better=True)
    assert up.to_dict() == average_ranks(results, "macro_auc").to_dict()
    down = average_ranks(own, "my_score", higher_is_better=False)
    assert (up + down == 5).all()


def test_friedman_by_hand():
    # Ranks 1 2 3, 1 2 3, 1 3 2, 2 1 3: sums 5, 8, 11 over 4 sets.
    means = pd.DataFrame(
        {"A": [0.9, 0.9, 0.9, 0.8], "B": [0.8, 0.8, 0.7, 0.9], "C": [0.7, 0.7, 0.8, 0.7]}
    )
    test = friedman(means)
    assert test.statistic == pytest.approx(12 / (4 * 3 * 4) * (25 + 64 + 121) - 3 * 4 * 4)
    assert test.p_value == pytest.approx(stats.chi2.sf(test.statistic, 2))
    assert (test.n_datasets, test.n_methods, test.left_out) == (4, 3, {})


def test_friedman_is_scipys(results):
    means = mean_table(results, "macro_auc")["mean"]
    assert friedman(results, "macro_auc")[:2] == pytest.approx(
        tuple(stats.friedmanchisquare(*means.to_numpy().T))
    )


def test_friedman_of_equal_methods():
    assert friedman(pd.DataFrame(np.full((4, 3), 0.5)))[:2] == (0, 1)


@pytest.mark.parametrize("shape", [(5, 2), (1, 4)])
def test_friedman_needs_three_methods_and_two_datasets(shape):
    with pytest.raises(ValueError, match=f"there are {shape[1]} and {shape[0]}"):
        friedman(pd.DataFrame(np.random.default_rng(0).random(shape)))


def test_wilcoxon_by_hand():
    # Gains 1, 2, 3, 4 and -5 (hundredths): the smaller rank sum is 5. Of 32 signs, 10 give at most
    # 5 on one side: {}, 1, 2, 3, 4, 5, 12, 13, 14, 23.
    means = pd.DataFrame({"A": [0.51, 0.52, 0.53, 0.54, 0.45], "B": [0.5] * 5})
    row = wilcoxon_against(means, "macro_auc", "A").loc["B"]
    assert row.to_dict() == {"statistic": 5, "p_value": 20 / 32, "win": 4, "tie": 0, "loss": 1}
    row = wilcoxon_against(means, "macro_auc", "B").loc["A"]
    assert (row["win"], row["loss"], row["p_value"]) == (1, 4, 20 / 32)
    row = wilcoxon_against(means, "label_ranking_loss", "A").loc["B"]
    assert (row["win"], row["loss"], row["p_value"]) == (1, 4, 20 / 32)


def test_wilcoxon_is_scipys(results):
    means = mean_table(results, "macro_auc")["mean"]
    tests = wilcoxon_against(results, "macro_auc", "B")
    assert list(tests.index) == ["A", "C", "D"]
    for method, row in tests.iterrows():
        statistic, p_value = stats.wilcoxon(means["B"] - means[method], method="exact")
        assert row["statistic"] == statistic
        assert row["p_value"] == pytest.approx(p_value)
        assert row["win"] == (means["B"] > means[method]).sum()
        assert row["win"] + row["tie"] + row["loss"] == 9


def test_ties_count_but_are_not_tested():
    decided = pd.DataFrame({"A": [0.51, 0.52, 0.53, 0.54], "B": [0.5] * 4})
    tied = pd.concat([decided, pd.DataFrame({"A": [0.7, 0.6], "B": [0.7, 0.6]})])
    row = wilcoxon_against(tied, "macro_auc", "A").loc["B"]
    assert row.to_dict() == {"statistic": 0, "p_value": 2 / 16, "win": 4, "tie": 2, "loss": 0}
    same = pd.DataFrame({"A": [0.7, 0.6], "B": [0.7, 0.6]})
    row = wilcoxon_against(same, "macro_auc", "A").loc["B"]
    assert row.to_dict() == {"statistic": 0, "p_value": 1, "win": 0, "tie": 2, "loss": 0}


def test_holm(results):
    raw = wilcoxon_against(results, "macro_auc", "D")["p_value"]
    adjusted = wilcoxon_against(results, "macro_auc", "D", correction="holm")["p_value"]
    largest = 0.0
    for place, method in enumerate(raw.sort_values().index):
        largest = max(largest, min(1, (3 - place) * raw[method]))
        assert adjusted[method] == pytest.approx(largest)
    assert (adjusted > raw).any()
    with pytest.raises(ValueError, match="correction must be None or 'holm'; got 'bonferroni'"):
        wilcoxon_against(results, "macro_auc", "D", correction="bonferroni")


def test_holm_by_hand():
    # Of five datasets, all five gains give p = 2/32, all but the least or the next 4/32 and 6/32.
    gains = pd.DataFrame(
        {"B": [1, 2, 3, 4, 5], "C": [-1, 2, 3, 4, 5], "D": [1, -2, 3, 4, 5], "E": [1, 2, 3, 4, 5]}
    )
    means = gains.mul(-0.01).assign(A=0.0)
    raw = wilcoxon_against(means, "macro_auc", "A")["p_value"]
    assert (32 * raw).to_dict() == {"B": 2, "C": 4, "D": 6, "E": 2}
    holm = wilcoxon_against(means, "macro_auc", "A", correction="holm")["p_value"]
    # 2 x 4, 2 x 3 but not less than 8, 4 x 2, and 6 x 1 but not less than 8.
    assert (32 * holm).to_dict() == pytest.approx({"B": 8, "C": 8, "D": 8, "E": 8})
    large = pd.DataFrame({"A": [0.0] * 3, "B": [0.1, 0.2, -0.3], "C": [0.1, -0.2, 0.3]})
    assert set(wilcoxon_against(large, "macro_auc", "A", correction="holm")["p_value"]) == {1}


def test_seeds_are_no_new_data(results):
    once = results[results["seed"] == 0]
    copies = pd.concat([once, *(once.assign(seed=seed) for seed in range(1, 5))])
    of_once, of_copies = (differences(rows, "macro_auc", "A") for rows in (once, copies))
    assert (5 * of_once.pop("n_runs") == of_copies.pop("n_runs")).all()
    pd.testing.assert_frame_equal(of_once, of_copies)


@pytest.mark.parametrize("gap", ["no row", "NaN"])
def test_datasets_with_gaps_are_left_out(results, gap):
    cell = results.eval("dataset == 'set3' and method == 'C' and fold == 2 and seed == 1")
    assert cell.sum() == 1
    gappy = (
        results[~cell]
        if gap == "no row"
        else results.assign(macro_auc=results["macro_auc"].mask(cell))
    )
    whole = results[results["dataset"] != "set3"]
    left_out = {"set3": ["C"]}

    ranked = ranks(gappy, "macro_auc")
    pd.testing.assert_frame_equal(ranked, ranks(whole, "macro_auc"))
    assert ranked.attrs["left_out"] == left_out
    assert average_ranks(gappy, "macro_auc").attrs["left_out"] == left_out
    assert friedman(gappy, "macro_auc") == (*friedman(whole, "macro_auc")[:4], left_out)
    tests = wilcoxon_against(gappy, "macro_auc", "A")
    pd.testing.assert_frame_equal(tests, wilcoxon_against(whole, "macro_auc", "A"))
    assert tests.attrs["left_out"] == left_out

    of_sets = differences(gappy, "macro_auc", "A")
    assert of_sets.attrs["left_out"] == {}
    n_runs = of_sets.set_index(["dataset", "method"])["n_runs"]
    assert n_runs.pop(("set3", "C")) == 9, "all that both have"
    assert set(n_runs) == {10}


def test_a_method_without_runs_on_a_dataset(frame):
    cells = {("s", "A"): [0.1, 0.2], ("s", "B"): [0.2, 0.2], ("t", "A"): [0.3, 0.4]}
    assert ranks(frame(cells), "macro_auc").attrs["left_out"] == {"t": ["B"]}
    del cells["s", "B"]
    cells["u", "B"] = [0.2, 0.2]
    with pytest.raises(
        ValueError, match=r"no dataset on which all methods .* on s \(B\), t \(B\), u \(A\)"
    ):
        ranks(frame(cells), "macro_auc")


def test_bad_input(results):
    with pytest.raises(ValueError, match=r"lacks the columns \['fold'\]"):
        mean_table(results.drop(columns="fold"), "macro_auc")
    with pytest.raises(ValueError, match=r"lacks the columns \['micro_f1'\]"):
        ranks(results, "micro_f1")
    with pytest.raises(ValueError, match=r"run .*'set0'.* more than once"):
        mean_table(pd.concat([results, results.iloc[:1]]), "macro_auc")
    with pytest.raises(ValueError, match="no number of metric='macro_auc'"):
        mean_table(results.assign(macro_auc=np.nan), "macro_auc")
    with pytest.raises(ValueError, match="metric must be given"):
        ranks(results, higher_is_better=True)
    gap = pd.DataFrame({"A": [0.1, np.nan], "B": [0.1, 0.2]}, index=["s", "t"])
    with pytest.raises(ValueError, match="a number in every cell; there is none for t, A"):
        ranks(gap, "macro_auc")
    with pytest.raises(ValueError, match="a number in every cell; it has no cell"):
        ranks(pd.DataFrame(), "macro_auc")
    with pytest.raises(TypeError, match="results must be a DataFrame; got ndarray"):
        friedman(gap.to_numpy())
    for compare in (wilcoxon_against, differences):
        with pytest.raises(ValueError, match=r"reference must be one of .* got 'E'"):
            compare(results, "macro_auc", "E")
        with pytest.raises(ValueError, match="no method to compare with reference='A'"):
            compare(results[results["method"] == "A"], "macro_auc", "A")
    for confidence in (0, 1, 95):
        with pytest.raises(ValueError, match=f"confidence .* got {confidence}"):
            differences(results, "macro_auc", "A", confidence=confidence)


def test_results_are_left_as_they_were(results):
    before = results.copy()
    mean_table(results, "macro_auc")
    wilcoxon_against(results, "macro_auc", "A")
    differences(results, "macro_auc", "A")
    pd.testing.assert_frame_equal(results, before)
