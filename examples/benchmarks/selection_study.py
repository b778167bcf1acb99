"""What the study of batch selection found, from the fits that are kept in docs/results.

    python examples/benchmarks/selection_study.py
    python examples/benchmarks/selection_study.py --write

Printed are paired differences to shuffling in the same arm, with half the width of their 95 %
intervals. ``--write`` puts the tables into docs/studies/selection.md, between two comments that
mark their place.
"""

import argparse

import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests
from tables import DOCS, find_gains, read_results, show_gain, write_page

PAGE = DOCS / "studies" / "selection.md"
PRIMARY = "mlp-tuned d2ace"
METRICS = {
    "macro_auc": "Macro-AUC",
    "label_ranking_loss": "Ranking loss, positive where it is lower",
    "macro_f1": "Macro-F1 at .5",
    "tuned_macro_f1": "Macro-F1 at thresholds tuned on held-out rows",
}
DATASETS = ("flags", "emotions", "birds", "yeast")
# Settings of D2ACE are chosen on one half and tried on the other.
HALVES = (("emotions", "birds"), ("flags", "yeast"))
N_FOLDS_OF_SETTINGS = 10
# That of `find_gains`.
CONFIDENCE = 0.95


def compare(results, metric, reference):
    """Gains over a reference, half the width of their intervals, and p-values."""
    rows = find_gains(results, metric, reference)
    rows = rows[rows["n_folds"] > 1].copy()
    freedom = rows["n_folds"] - 1
    error = rows["half"] / stats.t.ppf((1 + CONFIDENCE) / 2, freedom)
    rows["p"] = 2 * stats.t.sf(rows["gain"].abs() / error, freedom)
    return rows


def compare_arms(results, metric):
    """Gains of all arms, with p-values as Holm corrects them."""
    known = results.dropna(subset=[metric])
    arms = known.groupby(known["method"].str.split().str[0], sort=False)
    rows = pd.concat(
        compare(of_arm, metric, f"{arm} random")
        for arm, of_arm in arms
        if of_arm["method"].nunique() > 1
    ).reset_index(drop=True)
    is_primary = (rows["method"] == PRIMARY) & (metric == "macro_auc")
    rows["holm"] = rows["p"]
    rows.loc[~is_primary, "holm"] = multipletests(rows.loc[~is_primary, "p"], method="holm")[1]
    return rows.set_index(["method", "dataset"])


def show_row(row):
    return show_gain(row, star="*" if row["holm"] < 1 - CONFIDENCE else "")


def show_rows(title, rows, datasets=DATASETS):
    lines = [f"{title}:", "", "| | " + " | ".join(datasets) + " |"]
    lines.append("| --- " * (len(datasets) + 1) + "|")
    for method in rows.index.unique("method"):
        cells = [
            show_row(rows.loc[(method, name)]) if (method, name) in rows.index else ""
            for name in datasets
        ]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def make_parts():
    """Of D2ACE's variants with CLIF and the papers' settings, the gain over the whole."""
    results = read_results("ablation.jsonl.gz")
    rows = compare(results, "macro_auc", "d2ace").set_index(["method", "dataset"])
    rows["holm"] = multipletests(rows["p"], method="holm")[1]
    title = "Variants of D2ACE with CLIF at the papers' settings less the whole, Macro-AUC"
    return show_rows(title, rows, [name for name in DATASETS if name in rows.index.levels[1]])


def make_primary(results):
    rows = compare_arms(results, "macro_auc").loc[PRIMARY]
    lines = ["| | gain in Macro-AUC | 95 % interval | p | folds |", "| --- " * 5 + "|"]
    for name in (name for name in DATASETS if name in rows.index):
        row = rows.loc[name]
        low, high = (f"{row['gain'] + sign * row['half']:+.4f}" for sign in (-1, 1))
        shown = f"{row['gain']:+.4f} | {low} to {high} | {row['p']:.2f} | {row['n_folds']:.0f}"
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines)


def make_settings(results):
    """Of D2ACE's settings the best on one half of the sets, and what it gains on the other."""
    is_meant = results["method"].str.startswith(PRIMARY) | (results["method"] == "mlp-tuned random")
    few = results[is_meant & (results["fold"] < N_FOLDS_OF_SETTINGS)]
    rows = compare(few, "macro_auc", "mlp-tuned random").set_index(["method", "dataset"])
    gains = rows["gain"].unstack()
    lines = ["| chosen on | the best | its mean gain there | gains on the others |"]
    lines.append("| --- " * 4 + "|")
    for chosen_on, tried_on in (HALVES, HALVES[::-1]):
        means = gains[list(chosen_on)].mean(axis=1, skipna=False)
        best = means.idxmax()
        tried = rows.loc[best].loc[list(tried_on)]
        tried["holm"] = multipletests(tried["p"], method="holm")[1]
        shown = ", ".join(f"{name} {show_row(row)}" for name, row in tried.iterrows())
        where = " and ".join(chosen_on)
        gain = f"{means[best]:+.3f}".replace("0.", ".")
        lines.append(f"| {where} | {best.removeprefix('mlp-tuned ')} | {gain} | {shown} |")
    n_settings = len(gains.dropna(subset=sum(HALVES, ())))
    return "\n".join([f"D2ACE and {n_settings - 1} other settings of it, ten folds:", "", *lines])


def make_times(results):
    """Seconds of a fit as a multiple of those of shuffling in the same arm, median over folds.

    Of fits that began within ten minutes of one another: the machine had other work at times.
    """
    runs = results.assign(started=pd.to_datetime(results["started"]))
    runs["arm"] = runs["method"].str.split().str[0]
    is_random = runs["method"].str.endswith(" random")
    keys = ["dataset", "fold", "arm"]
    pairs = runs[~is_random].merge(runs[is_random], on=keys, suffixes=("", "_random"))
    pairs = pairs[(pairs["started"] - pairs["started_random"]).abs() < pd.Timedelta("10min")]
    ratios = (pairs["fit_seconds"] / pairs["fit_seconds_random"]).groupby(
        [pairs["method"], pairs["dataset"]], sort=False
    )
    table = ratios.median().unstack().reindex(columns=DATASETS)
    lines = ["Seconds of a fit over those of shuffling, median over folds:", ""]
    lines += ["| | " + " | ".join(DATASETS) + " |", "| --- " * (len(DATASETS) + 1) + "|"]
    for method, row in table.iterrows():
        cells = ["" if pd.isna(value) else f"{value:.2f}" for value in row]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def make_page(results):
    gains = [show_rows(title, compare_arms(results, metric)) for metric, title in METRICS.items()]
    parts = [make_primary(results), *gains, make_settings(results), make_parts()]
    return "\n\n".join([*parts, make_times(results)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    page = make_page(read_results("selection.jsonl.gz"))
    if parser.parse_args().write:
        write_page(PAGE, page)
    else:
        print(page)


if __name__ == "__main__":
    main()
