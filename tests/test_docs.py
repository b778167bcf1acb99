"""The Python code that README and docs show runs as it stands there, page by page."""

import ast
import re
import sys
from importlib.metadata import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from skd2ace import MultiLabelNetClassifier

ROOT = Path(__file__).parents[1]
# Not those that a build of the site makes.
FOLDERS = ("docs", "docs/selectors", "docs/start", "docs/howto", "docs/about", "docs/studies")
FOUND = [page for folder in FOLDERS for page in sorted((ROOT / folder).glob("*.md"))]
PAGES = ("README.md", *(page.relative_to(ROOT).as_posix() for page in FOUND))
# Processes would not know of the single epoch below, and need seconds to begin.
CHEAPER = {
    "TabMClassifier(random_state=0)": "TabMClassifier(random_state=0, max_epochs=1)",
    "random_state=0).fit(": "random_state=0, max_epochs=1).fit(",
    "max_epochs=100": "max_epochs=1",
    "n_jobs=2": "progress=False",
    "cv=5": "cv=2",
}
CHECKED_BELOW = {
    "README.md",
    "docs/benchmark.md",
    "docs/reliability.md",
    "docs/howto/explain.md",
    "docs/howto/onnx.md",
}
# Of the extra `loops`, which a plain run does not have.
NEEDED = {"docs/howto/optuna.md": "optuna"}


def code_blocks(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def run_page(data, tmp_path, monkeypatch):
    """Run a page from top to bottom, epochs cut to one; return its names and the values shown."""
    monkeypatch.chdir(tmp_path)
    # The one default, which the published classifiers hand on.
    monkeypatch.setitem(MultiLabelNetClassifier.__init__.__kwdefaults__, "max_epochs", 1)
    shown = []
    monkeypatch.setattr(sys, "displayhook", shown.append)

    def run(page):
        names = {"X": data[0], "Y": data[1]}
        for block in code_blocks(page):
            for dear, cheap in CHEAPER.items():
                block = block.replace(dear, cheap)
            lines = ast.Interactive(ast.parse(block).body)
            exec(compile(lines, page, "single"), names)
        return names, shown

    return run


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.slow] * (page in NEEDED))
        for page in PAGES
        if page not in CHECKED_BELOW
    ],
)
def test_code_runs(page, run_page, data):
    """Classifiers that a page shows without fitting them can be fitted."""
    if page in NEEDED:
        pytest.importorskip(NEEDED[page], reason="the extra loops is not installed")
    for value in run_page(page)[1]:
        if isinstance(value, MultiLabelNetClassifier) and not value.initialized_:
            # Some have a number of epochs of their own.
            assert len(value.set_params(max_epochs=1).fit(*data).history) == 1


def test_a_selector_of_ones_own(run_page):
    selector = run_page("docs/selectors/own.md")[0]["HighLoss"](pressure=50.0)
    X, Y = torch.rand(200, 3), torch.ones(200, 2)
    hard = torch.arange(200) >= 150
    seen = torch.zeros(200)
    selector.start(X, Y, n_epochs=100, batch_size=128, random_state=0)
    for epoch in range(100):
        for index in selector.batches(epoch):
            seen[index] += 1
            selector.update(index, Y[index], hard[index, None] + 0 * Y[index])
    assert seen[hard].mean() > 1.5 * seen[~hard].mean()


def test_texts_and_label_sets(run_page):
    names, _ = run_page("docs/howto/text.md")
    est, texts = names["est"].set_params(max_epochs=30), names["texts"]
    found = names["binarizer"].inverse_transform(est.fit(texts, names["targets"]).predict(texts))
    assert [set(labels) for labels in found] == names["topics"]


@pytest.mark.parametrize(("page", "n_settings"), [("README.md", 4), ("docs/selectors/index.md", 7)])
def test_grids_over_selectors(page, n_settings, run_page, data):
    search = run_page(page)[0]["search"].set_params(estimator__verbose=0, cv=2)
    assert len(search.fit(*data).cv_results_["params"]) == n_settings


def test_the_story_of_a_csv_goes_on_elsewhere(run_page, capsys):
    """Where nothing of the first blocks' names is there."""
    names, _ = run_page("docs/howto/csv.md")
    capsys.readouterr()
    *_, story, elsewhere = code_blocks("docs/howto/csv.md")
    there = {}
    exec(elsewhere, there)
    assert capsys.readouterr().out.endswith("[200 rows x 8 columns]\n")
    X_new = pd.read_csv("new_patients.csv")
    expected = names["est"].predict_proba(X_new)
    np.testing.assert_array_equal(there["est"].predict_proba(X_new), expected)
    lines = {line for line in (story + elsewhere).splitlines() if line}
    assert len(lines) <= 12, "a reader's own lines"


def test_every_extra_is_on_the_page_of_installing():
    page = (ROOT / "docs/start/install.md").read_text(encoding="utf-8")
    missing = [
        name for name in metadata("skd2ace").get_all("Provides-Extra") if f"`{name}`" not in page
    ]
    assert not missing


def test_an_experiment(run_page, capsys):
    run_page("docs/benchmark.md")
    assert "clif random" in capsys.readouterr().out


def test_a_training_that_went_on_and_was_loaded(run_page, data):
    names, _ = run_page("docs/reliability.md")
    loaded = names["est"]
    exec(code_blocks("docs/reliability.md")[0], names)
    resumed = names["est"]
    assert len(resumed.history) == 1, "the training had ended"
    np.testing.assert_array_equal(loaded.predict_proba(data[0]), resumed.predict_proba(data[0]))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_explanations_add_up(run_page):
    pytest.importorskip("shap", reason="the extra loops is not installed")
    names, _ = run_page("docs/howto/explain.md")
    expected = names["model"].predict_proba(names["numbers"][:3])
    np.testing.assert_allclose(names["shares"], expected, atol=1e-6)
    assert names["dependence"].shape == (7, 8)


@pytest.mark.slow
def test_the_score_of_the_readme(capsys):
    (loading,) = (block for block in code_blocks("README.md") if "load_yeast" in block)
    exec(loading, {})
    assert float(capsys.readouterr().out.splitlines()[-1]) > 0.68


# torch's exporter warns of what torch itself calls.
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.slow
def test_what_onnx_predicts(run_page):
    for package in ("onnxruntime", "onnxscript"):
        pytest.importorskip(package, reason="the extra loops is not installed")
    names, _ = run_page("docs/howto/onnx.md")
    expected = names["est"].predict_proba(names["X"])[:7]
    np.testing.assert_allclose(names["proba"], expected, atol=1e-6)


def anchors(page):
    """What GitHub calls the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for link, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", text):
        target = (ROOT / page).parent / link if link else ROOT / page
        if not link.startswith("http"):
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), anchor
