"""The tables of docs/benchmark.md, from the fits that are kept in docs/results.

    python examples/benchmarks/tables.py
    python examples/benchmarks/tables.py --write

Printed are means over the folds and seeds that a method has of a data set, and on how many sets it
is best or within one standard error of the best. ``--write`` puts them into docs/benchmark.md,
between two comments that mark their place.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from skd2ace.benchmark import Store, count_best, differences, import_fits

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
N_FOLDS = 5
# Settings were chosen on these, by other folds.
CHOSEN_ON = ("emotions", "yeast", "enron", "rcv1subset1")
COMPARED = ("tabm random", "random-forest", "extra-trees", "logistic-regression", "mlp", "mlknn")
# Those of them that have thresholds of their own: TabM in the same fit, the others by
# tuned_baselines.py, whose fits are named after the method they tune.
TUNED, SUFFIX = ("tabm random", "logistic-regression", "mlp"), " tuned"
TITLES = {
    "tabm random": "TabM",
    "random-forest": "forest",
    "extra-trees": "extra trees",
    "xgboost": "XGBoost",
    "catboost": "CatBoost",
    "boomer": "BOOMER",
    "logistic-regression": "LR",
    "mlp": "MLP",
    "mlknn": "ML-kNN",
    "clif random": "CLIF",
    "dela random": "DELA",
    "paca random": "PACA",
    "clif-recommended random": "CLIF, rec.",
    "dela-recommended random": "DELA, rec.",
    "paca-recommended random": "PACA, rec.",
}
METRICS = {
    "macro_auc": ("Macro-AUC", True),
    "label_ranking_loss": ("Ranking loss", False),
    "macro_f1": ("Macro-F1 at .5", True),
    "tuned_macro_f1": ("Macro-F1 at thresholds tuned on rows not trained on", True),
    "fit_seconds": ("Seconds of a fit", False),
}


def read_results(name="tables.jsonl.gz"):
    with TemporaryDirectory() as folder:
        store = Store(f"{folder}/fits.sqlite")
        import_fits(store, DOCS / "results" / name)
        return file_tuned(store.results())


def file_tuned(results):
    """File what a method has at thresholds of its own with the method, not as another one."""
    run = ["dataset", "method", "fold", "seed"]
    is_tuned = results["method"].str.endswith(SUFFIX)
    tuned = results[is_tuned].assign(method=results["method"].str.removesuffix(SUFFIX))
    tuned = tuned[[*run, "macro_f1"]].rename(columns={"macro_f1": "at_own_thresholds"})
    plain = results[~is_tuned].merge(tuned, how="left", on=run)
    scores = plain.pop("at_own_thresholds")
    return plain.assign(tuned_macro_f1=plain["tuned_macro_f1"].fillna(scores))


def make_table(results, metric, order):
    title, higher_is_better = METRICS[metric]
    known = results.dropna(subset=[metric])
    groups = known.groupby(["dataset", "method"])
    means, folds = groups[metric].mean().unstack(), groups["fold"].nunique().unstack()
    methods = [method for method in TITLES if method in means]
    rows = [f"{title}:", "", "| | " + " | ".join(TITLES[m] for m in methods) + " |"]
    rows.append("| --- " * (len(methods) + 1) + "|")
    digits = 1 if metric == "fit_seconds" else 3
    for name in (name for name in order if name in means.index):
        row = means.loc[name, methods].astype(float).round(digits)
        complete = row[folds.loc[name, methods] == N_FOLDS]
        best = complete.max() if higher_is_better else complete.min()
        cells = [
            show(row[m], folds.loc[name, m], digits, is_best=digits == 3 and row[m] == best)
            for m in methods
        ]
        rows.append(f"| {name}{' ¹' if name in CHOSEN_ON else ''} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def show(value, n_folds, digits, *, is_best):
    if value != value:
        return ""
    shown = f"{value:.{digits}f}"
    shown = shown.lstrip("0") if digits == 3 else shown
    if n_folds < N_FOLDS:
        return f"{shown} ({n_folds:.0f})"
    return f"**{shown}**" if is_best else shown


def make_counts(results):
    rows = ["Best or within one standard error of the best (`count_best`):", ""]
    rows += ["| | of | " + " | ".join(TITLES[m] for m in COMPARED) + " |"]
    rows += ["| --- " * (len(COMPARED) + 2) + "|"]
    for metric in list(METRICS)[:4]:
        methods = TUNED if metric == "tuned_macro_f1" else COMPARED
        counted = find_common(results.dropna(subset=[metric]), methods)
        for without, note in (((), ""), (CHOSEN_ON, ", without ¹")):
            counts = count_best(counted, metric, without=without)
            cells = [str(counts.get(m, 0)) if m in methods else "" for m in COMPARED]
            of = counts.attrs["n_datasets"]
            rows.append(f"| {METRICS[metric][0]}{note} | {of} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def find_common(results, methods):
    """Find the sets of which all of some methods have a fold in common; all their methods count."""
    has = results.pivot_table(index=["dataset", "fold"], columns="method", aggfunc="size").notna()
    is_common = has.reindex(columns=methods, fill_value=False).all(axis=1)
    return results[results["dataset"].isin(is_common[is_common].index.get_level_values("dataset"))]


def find_gains(results, metric, reference):
    """Find what each method gains over a reference, and half the width of its 95 % interval."""
    rows = differences(results, metric, reference)
    # A difference is that of the reference to the method.
    rows["gain"], rows["half"] = -rows["difference"], (rows["high"] - rows["low"]) / 2
    return rows


def show_gain(row, star=""):
    gain = round(row["gain"], 3) + 0.0  # no negative zero
    return f"{gain:+.3f}{star} ± {row['half']:.3f}".replace("0.", ".")


def make_gains(title, results, reference):
    """Show what one method gains over another, of two, on each set."""
    metrics = list(METRICS)[:-1]
    gains = [find_gains(results, m, reference).set_index("dataset") for m in metrics]
    rows = [title, "", "| | " + " | ".join(METRICS[m][0] for m in metrics) + " | fits of each |"]
    rows.append("| --- " * (len(metrics) + 2) + "|")
    for name, n_fits in (results["dataset"].value_counts(sort=False) // 2).items():
        cells = [show_gain(of_metric.loc[name]) for of_metric in gains]
        rows.append(f"| {name} | " + " | ".join(cells) + f" | {n_fits} |")
    return "\n".join(rows)


def make_weight(results):
    """Show what counting a positive as four negatives does to TabM."""
    counted_alike = read_results("tabm_unweighted.jsonl.gz").assign(method="pos_weight=None")
    both = pd.concat([results[results["method"] == "tabm random"], counted_alike])
    title = "TabM less TabM with `pos_weight=None`, positive where the weight is better:"
    return make_gains(title, both.sort_values("dataset"), "pos_weight=None")


def make_selection():
    """Show what D2ACE gains with TabM over shuffled batches."""
    results = read_results("tabm_d2ace.jsonl.gz")
    title = "TabM with `batch_selector=D2ACE()` less TabM, positive where D2ACE is better:"
    return make_gains(title, results, "tabm random")


def make_page():
    results = read_results()
    order = results["dataset"].drop_duplicates().tolist()
    order.sort(key=lambda name: results.loc[results["dataset"] == name, "n_train"].mean())
    tables = [make_table(results, metric, order) for metric in METRICS]
    ends = [make_counts(results), tables[-1], make_weight(results), make_selection()]
    return "\n\n".join([*tables[:-1], *ends])


def write_page(file, page):
    before, rest = file.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    file.write_text(f"{before}{BEGIN}\n\n{page}\n\n{END}{after}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    page = make_page()
    if parser.parse_args().write:
        write_page(DOCS / "benchmark.md", page)
    else:
        print(page)


if __name__ == "__main__":
    main()
