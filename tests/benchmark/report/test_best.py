"""The section that counts on how many data sets methods are best, or nearly so."""

import numpy as np
import pandas as pd

from skd2ace.benchmark import count_best, report

METRICS = {"macro_auc": "Macro-AUC", "label_ranking_loss": "Ranking loss", "macro_f1": "Macro-F1"}
CHOSEN_ON = ["emotions", "yeast", "enron", "rcv1subset1"]


def make_results(datasets):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {"dataset": dataset, "method": method, "fold": fold, "seed": 0}
        | {metric: rng.normal(0.5, 0.1) for metric in METRICS}
        for dataset in datasets
        for method in "ABC"
        for fold in range(4)
    )


def read_rows(text):
    """Cells of the section's table, by method."""
    section = text.partition("## Best or within one standard error")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    head, _, *rows = lines
    return head, {name: cells for name, *cells in rows}


def test_counts_by_three_metrics_with_and_without_the_sets_chosen_on():
    results = make_results(["birds", "scene", "flags", *CHOSEN_ON])
    text = report(results, metric="macro_f1")
    head, rows = read_rows(text)
    metrics = ["macro_f1", "macro_auc", "label_ranking_loss"]
    assert head == ["method", *(METRICS[metric] for metric in metrics)]
    for metric, *cells in zip(metrics, *(rows[method] for method in "ABC"), strict=True):
        every, fewer = count_best(results, metric), count_best(results, metric, without=CHOSEN_ON)
        assert cells == [f"{every[method]} ({fewer[method]})" for method in "ABC"]
    assert "On how many of 7 (3) datasets" in text
    assert "chosen on emotions, yeast, enron, rcv1subset1, by other folds" in text


def test_without_such_sets_nothing_is_in_brackets():
    results = make_results(["birds", "scene"])[["dataset", "method", "fold", "seed", "macro_auc"]]
    head, rows = read_rows(report(results))
    assert head == ["method", "Macro-AUC"]
    counts = count_best(results, "macro_auc")
    assert {name: int(cell) for name, (cell,) in rows.items()} == counts.to_dict()


def test_a_single_method_is_not_counted():
    results = make_results(["birds"]).query("method == 'A'")
    assert "Best or within" not in report(results)
