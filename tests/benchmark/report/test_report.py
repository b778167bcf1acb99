"""Reports say what the statistics say, safely, in each format."""

import base64
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from skd2ace.benchmark import (
    average_ranks,
    differences,
    friedman,
    published,
    report,
    wilcoxon_against,
)

FORMATS = ["markdown", "html", "latex"]


def make_results(datasets=("yeast", "scene", "enron"), methods=("A", "B", "C"), n_folds=3):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "dataset": dataset,
            "method": method,
            "fold": fold,
            "seed": seed,
            "macro_auc": 0.7 + 0.02 * place + 0.01 * rng.random(),
            "fit_seconds": 10.0 + place,
            "selection_seconds": 1.25 if place else None,
        }
        for dataset in datasets
        for place, method in enumerate(methods)
        for fold in range(n_folds)
        for seed in range(2)
    )


@pytest.fixture
def results():
    return make_results()


@pytest.fixture
def curves():
    rows = [
        {"dataset": "yeast", "method": method, "fold": fold, "seed": 0, "epoch": epoch}
        | {"valid_macro_auc": 0.7 - 0.01 * abs(epoch - best - fold)}
        for method, best in (("A", 2), ("B", 4))
        for fold in range(2)
        for epoch in range(1, 8)
    ]
    return pd.DataFrame(rows)


class Page(HTMLParser):
    """Tags that match, the table cells, and whatever a browser would load or run."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.tags, self.words = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "srcset")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_markdown_tells_the_statistics(results):
    text = report(results, reference="C")
    first = "3 datasets, 3 methods, 3 folds, 2 seeds. All 54 fits have a value."
    assert text.startswith(f"# Benchmark by Macro-AUC\n\n{first}\n\n")
    cell = results.query("dataset == 'yeast' and method == 'C'")["macro_auc"]
    assert f"**{cell.mean():.4f} ± {cell.std(ddof=1):.4f}**" in text
    means = text.partition("## Differences")[0]
    assert means.count("**") == 2 * 3, "the best of each of three datasets"
    for method, rank in average_ranks(results, "macro_auc").items():
        assert f"| {method} | {rank:.2f} |" in text
    test = friedman(results, "macro_auc")
    assert f"chi-squared {test.statistic:.2f}, p = {test.p_value:.4f}" in text
    row = wilcoxon_against(results, "macro_auc", "C").loc["A"]
    assert f"| A | 3 / 0 / 0 | {row['statistic']:g} | {row['p_value']:.4f} | 0.5000 |" in text
    gain = differences(results, "macro_auc", "C").iloc[0]
    assert f"{gain.difference:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})" in text
    assert "| yeast | 10.00 | 11.00 (1.25) | 12.00 (1.25) |" in text


@pytest.mark.parametrize("format", FORMATS)
def test_no_difference_without_its_interval(results, format):
    text = report(results, reference="C", format=format).replace("$-$", "-")
    number = r"[+-]\d\.\d{4}"
    assert len(re.findall(rf"{number} \({number} to {number}\)", text)) == 3 * 2
    assert re.sub(rf"{number} \({number} to {number}\)", "", text).count("+0.") == 0


def test_one_fold_has_no_differences():
    text = report(make_results(n_folds=1), reference="C")
    assert "No differences: an interval needs two folds" in text
    assert not re.search(r"[+-]\d\.\d{4}", text)


def test_smaller_can_be_better(results):
    text = report(
        results.rename(columns={"macro_auc": "label_ranking_loss"}), metric="label_ranking_loss"
    )
    assert "# Benchmark by Ranking loss" in text
    assert "smaller is better" in text
    first = next(line for line in text.splitlines() if line.startswith("| yeast"))
    assert first.split("|")[2].strip().startswith("**0.7"), "A has the least"


def test_incomplete_datasets_are_named(results):
    gap = results.eval("dataset == 'scene' and method == 'C' and fold == 1 and seed == 0")
    text = report(results[~gap], reference="A")
    assert "Left out: scene, where runs are missing of C." in text
    row = next(line for line in text.splitlines() if line.startswith("| scene"))
    assert "(5 of 6 runs)" in row
    assert row.index("**") < row.index("(5 of 6 runs)") - 30, "C, with fewer runs, is not the best"
    assert "over 2 datasets" in text


def test_nothing_complete(results):
    gap = results.eval("method == 'C' and fold == 1 and seed == 0")
    text = report(results[~gap], reference="A")
    assert "No ranks. There is no dataset on which all methods have all runs" in text
    assert "all runs of Macro-AUC; runs are missing on yeast (C), scene (C), enron (C)." in text
    assert "No test over datasets: on none do all methods have all runs." in text
    cell = r"\**-0\.\d{4} \([^)]*\)\**"
    assert re.search(rf"\| yeast \| {cell} \| {cell}, 5 of 6 runs", text)


@pytest.mark.parametrize(
    ("datasets", "methods", "said", "unsaid"),
    [
        ("ab", "A", ["need three methods and two datasets; there are 1 and 2", "no other method"],
         ["Wilcoxon", "chi-squared", "**"]),
        ("ab", "AB", ["need three methods and two datasets; there are 2 and 2", "Wilcoxon"],
         ["chi-squared"]),
        ("a", "ABC", ["there are 3 and 1", "Wilcoxon's test needs two datasets", "1 dataset, "],
         ["chi-squared", "win / tie"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("format", ["markdown", "html"])
def test_tests_that_make_no_sense_are_left_out(datasets, methods, said, unsaid, format):
    text = report(make_results(datasets, methods), reference="A", format=format)
    text = unescape(text).replace("<strong>", "**")
    assert all(words in text for words in said)
    assert not any(words in text for words in unsaid)
    assert "Average ranks, the best on the left" not in text


def test_html_is_one_whole_file(results, curves):
    text = report(results, reference="C", curves=curves, published=published(), format="html")
    page = Page(text)
    assert len(page.loads) == 4, "differences, the diagram, seconds, the curves of one dataset"
    for source in page.loads:
        kind, _, data = source.partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert 'name="viewport"' in text
    assert plt.get_fignums() == [], "no figure stays open"
    assert report(results, curves=curves, format="html") == report(
        results, curves=curves, format="html"
    )


EVIL = "<script>alert(1)</script>\"'&"


def test_html_escapes(results, curves):
    results = results.replace({"yeast": EVIL, "A": EVIL + "m", "B": "$\\frac$"})
    curves = curves.replace({"yeast": EVIL, "A": EVIL + "m", "B": "_$\\frac$"})
    text = report(results, reference=EVIL + "m", curves=curves, format="html")
    page = Page(text)
    assert "script" not in page.tags
    assert EVIL in page.words
    assert EVIL + "m" in page.words


def test_markdown_and_latex_escape(results):
    results = results.replace({"yeast": "a|b_c\n#", "A": "50%_&{x}$-1~^\\", "B": "<b>*x*[y](z)`"})
    text = report(results)
    table = [line for line in text.splitlines() if line.startswith("| a")]
    assert table[0].startswith(r"| a\|b\_c \# | ")
    assert r"\<b\>\*x\*\[y\](z)\`" in text
    latex = report(results, format="latex")
    assert r"50\%\_\&\{x\}\$$-$1\textasciitilde{}\textasciicircum{}\textbackslash{}" in latex
    assert r"a\textbar{}b\_c \#" in latex


def test_latex_names_are_no_commands(results):
    results = results.replace({"yeast": "[2cm] a--b", "scene": "* \N{MINUS SIGN}1"})
    latex = report(results, format="latex")
    assert "\n{}[2cm] a-{}-b & " in latex, "no option of the row before"
    assert "\n{}* $-$1 & " in latex


def test_latex_tables_are_whole(results, curves):
    text = report(results, reference="C", curves=curves, published=published(), format="latex")
    tables = re.findall(r"\\begin\{tabular\}\{(lr*)\}(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert len(tables) == text.count(r"\begin{tabular}") >= 6
    for columns, body in tables:
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) > 1
        assert {line.count("&") + 1 for line in rows} == {len(columns)}
    assert re.search(r"\\textbf\{0\.\d{4} \$\\pm\$ 0\.\d{4}\}", text)
    text.encode("ascii")


def test_latex_tables_fit_a_page():
    names = [f"set {number}" for number in range(50)]
    text = report(make_results(names, "ABCDEFGH"), format="latex").partition("Differences")[0]
    told = []
    for body in re.findall(r"\\toprule\n(.*?)\\bottomrule", text, re.DOTALL):
        lines = [line.removesuffix(r" \\") for line in body.replace("\\midrule\n", "").splitlines()]
        (_, *methods), *rows = (line.split(" & ") for line in lines)
        assert len(rows) <= 40
        assert max(map(len, lines)) < 150
        told += [(name, method) for name, *_ in rows for method in methods]
    assert sorted(told) == sorted((name, method) for name in names for method in "ABCDEFGH")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(curves, tmp_path):
    odd = ["[1]", "-1_%", "* #&${}", "~^\\<|>", "é\N{EN DASH}\N{MINUS SIGN}", "long " * 40]
    datasets = ["yeast", "100%_of_it", "[2cm]", *map(str, range(50))]
    results = make_results(datasets, ["A", "B", *odd], n_folds=2)
    text = report(results, reference="A", curves=curves, published=published(), format="latex")
    (tmp_path / "report.tex").write_text(text, encoding="utf-8")
    document = (
        r"\documentclass{article}\usepackage{booktabs,graphicx}"
        r"\begin{document}\input{report}\end{document}"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-jobname=page", document]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert ran.returncode == 0, ran.stdout.decode(errors="replace")[-2000:]
    log = (tmp_path / "page.log").read_text(encoding="utf-8", errors="replace")
    assert "Overfull" not in log, "all tables are within the page"
    assert "Missing character" not in log


def test_curves(results, curves):
    text = report(results, curves=curves)
    # The best epochs are 2 and 3, and 4 and 5.
    assert "| yeast | 2.5 (0.7000) | 4.5 (0.7000) |" in text
    gappy = curves.assign(valid_macro_auc=curves["valid_macro_auc"].where(curves["method"] == "A"))
    assert "| yeast | 2.5 (0.7000) |" in report(results, curves=gappy)
    assert "Validation" not in report(results, curves=curves.iloc[:0])
    assert "Validation" not in report(results, curves=curves.assign(valid_macro_auc=np.nan))
    with pytest.raises(ValueError, match=r"curves lacks the columns \['epoch'\]"):
        report(results, curves=curves.drop(columns="epoch"))


def test_published_numbers_stand_beside(results):
    text = report(results, published=published())
    assert "D2ACE, Table 4: means." in text
    assert (
        "| yeast, CLIF | 0.7226 | 0.7236 | 0.7230 | 0.7217 | 0.7234 | 0.7229 | 0.7242 | 0.7305 |"
        in text
    )
    assert "| enron, PACA | 0.7351 | 0.7391 |" in text
    assert "cal500" not in text, "only datasets of these results"
    assert r"| CLIF | 7.08\* |" in text
    losses = results.rename(columns={"macro_auc": "coverage"})
    text = report(losses, metric="coverage", published=published())
    assert "There is no published Coverage for these datasets." in text


def test_times_are_told_where_they_are(results):
    assert "Seconds" not in report(results.drop(columns="fit_seconds"))
    text = report(results.drop(columns="selection_seconds"))
    assert "| yeast | 10.00 | 11.00 | 12.00 |" in text


def test_bad_parameters(results):
    with pytest.raises(ValueError, match=r"format must be one of .*latex; got 'pdf'"):
        report(results, format="pdf")
    with pytest.raises(ValueError, match=r"reference must be one of .* got 'Z'"):
        report(results, reference="Z")
    with pytest.raises(ValueError, match="higher_is_better must be given for metric='mine'"):
        report(results.assign(mine=1.0), metric="mine")
    with pytest.raises(ValueError, match=r"lacks the columns \['micro_f1'\]"):
        report(results, metric="micro_f1")
    own = results.rename(columns={"macro_auc": "mine"})
    assert "# Benchmark by mine" in report(own, metric="mine", higher_is_better=True)


SHOWN = {
    "differences": "Less A, run by run",
    "seconds": "Median seconds of a fit",
    "n_neighbors": "Means over runs by n_neighbors",
    "mixture": "Means over runs by mixture",
}


@pytest.mark.parametrize(
    ("datasets", "methods", "with_seconds", "shown"),
    [
        (["a", "b"], ["A", "B"], True, {"differences", "seconds"}),
        (list("abcde"), ["A", "B"], True, {"seconds"}),
        (["a"], ["A"], False, set()),
        (
            ["a"],
            ["A", "n_neighbors=2", "clif n_neighbors=10", "mixture=$0 to 1$", "mixture=1 to 0"],
            False,
            {"differences", "n_neighbors", "mixture"},
        ),
        (["a"], ["A", "n_neighbors=2"], False, {"differences"}),
    ],
)
def test_pictures_are_of_what_there_is(datasets, methods, with_seconds, shown):
    results = make_results(datasets, methods).drop(columns="fit_seconds", errors="ignore")
    if with_seconds:
        results["fit_seconds"] = np.arange(1.0, len(results) + 1)
    page = unescape(report(results, reference="A", format="html"))
    assert {name for name, caption in SHOWN.items() if caption in page} == shown
    text = report(results, reference="A")
    assert not [caption for caption in SHOWN.values() if caption in text]
