"""The papers' numbers agree with the papers' own ranks and tests."""

import numpy as np
import pytest
from scipy import stats

from skd2ace.benchmark import published


def wide(rows):
    return rows.pivot(index=["network", "dataset"], columns="method", values="value")


def test_table_4_is_whole():
    table = published("d2ace-4")
    assert len(table) == 13 * 8 * 2
    assert set(table["network"]) == {"CLIF"}
    assert wide(table[table["metric"] == "macro_auc"]).shape == (13, 8)
    assert table["value"].between(0, 1).all()


@pytest.mark.parametrize(("metric", "sign"), [("macro_auc", -1), ("label_ranking_loss", 1)])
def test_ranks_of_table_4_are_those_of_table_3(metric, sign):
    numbers = published("d2ace-4")
    means = wide(numbers[numbers["metric"] == metric])
    # Equal numbers share the best rank in the paper.
    average = stats.rankdata(sign * means.to_numpy(), axis=1, method="min").mean(axis=0)
    printed = published("d2ace-3").query("network == 'CLIF' and metric == @metric")
    of_methods = printed.set_index("method")["value"]
    assert np.round(average, 2).tolist() == of_methods[means.columns].tolist()


PRINTED_RANKS = {
    "HST": [6.5, 7.5, 4.5, 2.5, 6.5, 4.0, 3.0, 1.0],
    "ML-GCN": [7.0, 7.0, 4.5, 2.0, 7.0, 4.5, 3.0, 1.0],
}
METHODS = ["Random", "Active", "Recent", "DIHCL", "Balance", "Hard-Imb", "ML-Unc", "D2ACE"]


@pytest.mark.parametrize("network", PRINTED_RANKS)
def test_ranks_of_table_5_are_those_that_it_prints(network):
    numbers = published("d2ace-5")
    assert len(numbers) == 2 * 2 * 8
    assert set(numbers["metric"]) == {"mean_average_precision"}
    means = wide(numbers[numbers["network"] == network])[METHODS]
    assert sorted(dataset for _, dataset in means.index) == ["coco2014", "voc2007"]
    average = stats.rankdata(-means.to_numpy(), axis=1, method="min").mean(axis=0)
    assert average.tolist() == PRINTED_RANKS[network]


def test_table_3_adds_up():
    table = published("d2ace-3")
    assert len(table) == 9 * 8
    assert (table["statistic"] == "average_rank").all()
    # 1 + ... + 8, less what equal numbers lose by sharing the best rank.
    sums = table.groupby(["network", "metric"])["value"].sum()
    assert sums.between(34.9, 36.05).all()
    best = table.loc[table.groupby(["network", "metric"])["value"].idxmin(), "method"]
    assert set(best) == {"D2ACE"}
    marked = table[table["method"] != "D2ACE"]["p_below"]
    assert set(marked.dropna()) == {0.01, 0.05}
    assert (len(marked), marked.notna().sum()) == (63, 61), "so says the paper's text"


PRINTED_P = {
    "macro_f1": 0.0002,
    "micro_f1": 0.0002,
    "macro_auc": 0.0012,
    "label_ranking_loss": 0.0012,
}


@pytest.mark.parametrize("metric", PRINTED_P)
def test_hard_imbs_numbers_give_its_table_3(metric):
    numbers = published("hard-imb-2").query("network == 'C2AE' and metric == @metric")
    means = wide(numbers)
    assert len(means) == 13
    gains = np.round((means["Hard-Imb"] - means["Random"]).to_numpy(), 6)
    # The paper breaks ties of sizes somehow; so does a trifle.
    p_value = stats.wilcoxon(gains + 1e-9 * np.arange(13), method="exact").pvalue
    assert p_value == pytest.approx(PRINTED_P[metric], abs=5e-5)


def test_garbled_rows_stay_out():
    table = published("hard-imb-2")
    rows = table.groupby("network")["dataset"].unique().map(set)
    assert rows.map(len).to_dict() == {"C2AE": 13, "CLIF": 12, "DELA": 8, "MPVAE": 8, "PACA": 6}
    assert rows["C2AE"] - rows["CLIF"] == {"Corel5k"}
    assert rows["C2AE"] - rows["PACA"] == {
        *("rcv1subset1", "yahoo-Arts", "cal500", "yahoo-Business", "tmc2007", "bibtex", "yeast")
    }
    assert (table.groupby(["network", "dataset"]).size() == 12).all()


@pytest.mark.parametrize(
    ("network", "dataset", "method", "metric", "value"),
    [
        ("C2AE", "Corel5k", "Random", "macro_f1", 0.0702),
        ("C2AE", "scene", "Hard-Imb", "one_error", 0.2508),
        ("MPVAE", "cal500", "Hard-Imb", "label_ranking_loss", 0.3205),
        ("PACA", "rcv1subset2", "Random", "micro_f1", 0.4893),
        ("CLIF", "yahoo-Arts", "Hard-Imb", "macro_auc", 0.7535),
        ("DELA", "LLOG-F", "Random", "hamming_loss", 0.1603),
    ],
)
def test_spots_of_hard_imb(network, dataset, method, metric, value):
    rows = published("hard-imb-2").set_index(["network", "dataset", "method", "metric"])["value"]
    assert rows[network, dataset, method, metric] == value


@pytest.mark.parametrize(
    ("dataset", "method", "metric", "value"),
    [
        ("cal500", "Random", "macro_auc", 0.5849),
        ("rcv1subset3", "DIHCL", "macro_auc", 0.9220),
        ("yahoo-Arts", "D2ACE", "label_ranking_loss", 0.1528),
        ("mediamill", "D2ACE", "label_ranking_loss", 0.0429),
        ("mediamill", "Hard-Imb", "macro_auc", 0.8129),
    ],
)
def test_spots_of_table_4(dataset, method, metric, value):
    rows = published("d2ace-4").set_index(["dataset", "method", "metric"])["value"]
    assert rows[dataset, method, metric] == value


@pytest.mark.parametrize(
    ("network", "dataset", "method", "value"),
    [
        ("HST", "voc2007", "Random", 0.9300),
        ("HST", "coco2014", "D2ACE", 0.8252),
        ("ML-GCN", "voc2007", "Hard-Imb", 0.9298),
        ("ML-GCN", "coco2014", "Active", 0.8025),
    ],
)
def test_spots_of_table_5(network, dataset, method, value):
    rows = published("d2ace-5").set_index(["network", "dataset", "method"])["value"]
    assert rows[network, dataset, method] == value


def test_marks_of_table_3():
    marks = published("d2ace-3").set_index(["network", "metric", "method"])["p_below"]
    assert marks["CLIF", "macro_auc", "ML-Unc"] == 0.05
    assert marks["DELA", "macro_auc", "ML-Unc"] == 0.01
    assert np.isnan(marks["DELA", "macro_f1", "Recent"])
    assert np.isnan(marks["PACA", "macro_auc", "ML-Unc"])


def test_all_tables_and_columns():
    everything = published()
    assert list(everything) == [
        *("source", "table", "network", "dataset", "method", "metric", "statistic", "value"),
        "p_below",
    ]
    parts = [published(name) for name in ("d2ace-3", "d2ace-4", "d2ace-5", "hard-imb-2")]
    assert len(everything) == sum(map(len, parts)) == 876
    assert not everything.drop(columns="p_below").isna().any(axis=None)
    assert not everything.duplicated(list(everything)[:7]).any()
    with pytest.raises(ValueError, match=r"table must be one of .*hard-imb-2; got 'table 4'"):
        published("table 4")
