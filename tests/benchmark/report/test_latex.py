"""LaTeX: each table has a caption and a label of its own, and no method stands alone."""

import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from skd2ace.benchmark import published, report

DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs,graphicx}
%s
\begin{document}
\input{report}
\input{losses}
\listoftables
Tables~\ref{tab:means-macro-auc} and~\ref{tab:differences-label-ranking-loss-2}.
\end{document}
"""


def make_results(methods, n_datasets=3, metric="macro_auc"):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"dataset": f"set {number}", "method": method, "fold": fold, "seed": 0}
        | {metric: rng.random(), "fit_seconds": 1.0}
        | {"estimator": "Classifier(batch_selector=SelectorOfALongName(), max_epochs=100)"}
        for number in range(n_datasets)
        for method in methods
        for fold in range(3)
    )


def find_tables(text):
    """Yield caption, label and head of each table."""
    for part in re.findall(
        r"\\begin\{benchmarktable\}(.*?)\\end\{benchmarktable\}", text, re.DOTALL
    ):
        caption, label = re.search(r"\\caption\[.*?\]\{(.*)\}\n\\label\{(.*)\}", part).groups()
        head = re.search(r"\\toprule\n(.*) \\\\\n\\midrule", part).group(1).split(" & ")
        yield caption, label, head


def test_each_table_has_a_caption_and_a_label():
    results = make_results("ABC")
    text = report(results, reference="A", published=published(), format="latex")
    text += report(results, reference="A", metric="fit_seconds", higher_is_better=False,
                   format="latex")  # fmt: skip
    tables = list(find_tables(text))
    assert len(tables) == text.count(r"\begin{tabular}") >= 10
    assert all(caption and re.fullmatch(r"tab:[a-z0-9-]+", label) for caption, label, _ in tables)
    labels = [label for _, label, _ in tables]
    assert len(set(labels)) == len(labels)
    assert labels[0] == "tab:means-macro-auc"
    assert tables[0][0].startswith("Means of Macro-AUC. Mean $\\pm$ standard deviation over folds")


@pytest.mark.parametrize("n_methods", range(2, 14))
def test_columns_are_dealt_evenly(n_methods):
    """As many datasets: a method is a column."""
    methods = [f"method {number:02}" for number in range(n_methods)]
    text = report(make_results(methods, n_methods), reference=methods[0], format="latex")
    for kind in ("means", "differences"):
        parts = [
            head[1:] for _, label, head in find_tables(text) if label.startswith(f"tab:{kind}")
        ]
        shown = methods if kind == "means" else methods[1:]
        assert [name for part in parts for name in part] == shown
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= 1
        assert min(sizes) > 1 or len(shown) == 1


@pytest.mark.parametrize("n_datasets", [40, 41, 81])
def test_rows_are_dealt_evenly(n_datasets):
    text = report(make_results("AB", n_datasets), reference="A", format="latex")
    means = text[text.index("Means") : text.index("Differences")]
    sizes = [
        len(body.splitlines())
        for body in re.findall(r"\\midrule\n(.*?)\n\\bottomrule", means, re.DOTALL)
    ]
    assert sum(sizes) == n_datasets
    assert max(sizes) <= 40
    assert max(sizes) - min(sizes) <= 1


FLOATING = r"""\newenvironment{benchmarktable}{\begin{table}[tbp]\centering}{\end{table}}"""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("preamble", ["", FLOATING], ids=["in place", "floating"])
def test_a_document_with_two_reports(preamble, tmp_path):
    methods = [f"method {number}" for number in range(9)]
    for name, metric in (("report", "macro_auc"), ("losses", "label_ranking_loss")):
        results = make_results(methods, 9, metric)
        text = report(results, metric=metric, published=published(), format="latex")
        (tmp_path / f"{name}.tex").write_text(text, encoding="utf-8")
    (tmp_path / "page.tex").write_text(DOCUMENT % preamble, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "page.tex"]
    for _ in range(2):
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        assert ran.returncode == 0, ran.stdout.decode(errors="replace")[-2000:]
    log = (tmp_path / "page.log").read_text(encoding="utf-8", errors="replace")
    for complaint in ("Overfull", "undefined", "multiply defined", "Missing character"):
        assert complaint not in log
