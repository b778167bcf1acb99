"""The code that README and docs show runs as it stands there."""

import re
from pathlib import Path

import pytest
import torch

from skd2ace import MultiLabelNetClassifier

ROOT = Path(__file__).parents[1]


def code_blocks(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def test_a_selector_of_ones_own():
    """The last block of docs/selectors.md, driven by the first."""
    loop, _, own = code_blocks("docs/selectors.md")
    names = {}
    exec(own, names)
    selector = names["HighLoss"](pressure=50.0)
    X, Y = torch.rand(200, 3), torch.ones(200, 2)
    hard = torch.arange(200) >= 150
    seen = torch.zeros(200)
    step = "probabilities = Y[index]; losses = hard[index, None] + 0 * Y[index]; seen[index] += 1"
    exec(
        loop.replace("...", step),
        {"selector": selector, "X": X, "Y": Y, "hard": hard, "seen": seen},
    )
    assert seen[hard].mean() > 1.5 * seen[~hard].mean()


def test_a_grid_over_selectors(data):
    _, grid, _ = code_blocks("docs/selectors.md")
    names = {}
    exec(grid, names)
    search = names["search"].set_params(estimator__max_epochs=1, estimator__verbose=0, cv=2)
    assert len(search.fit(*data).cv_results_["params"]) == 7


def test_settings_of_networks(data):
    block, tuned = code_blocks("docs/networks.md")
    names = {}
    exec(block, names)
    for line in (*block.splitlines()[2:], tuned.strip()):
        eval(line, names).set_params(max_epochs=1, verbose=0).fit(*data)


def test_an_experiment(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = code_blocks("docs/benchmark.md")
    block = block.replace("max_epochs=100", "max_epochs=1").replace("n_jobs=2", "progress=False")
    exec(block, {"X": data[0], "Y": data[1]})
    assert "clif random" in capsys.readouterr().out


def test_files(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoints, files = code_blocks("docs/reliability.md")
    names = {"X": data[0], "Y": data[1], "MultiLabelNetClassifier": MultiLabelNetClassifier}
    checkpoints = checkpoints.replace("random_state=0", "random_state=0, max_epochs=2, verbose=0")
    for _ in range(2):
        exec(checkpoints, names)
        assert len(names["est"].history) == 2
    before = names["est"]
    exec(files, names)
    assert names["est"] is not before
    assert repr(names["est"].predict(data[0])) == repr(before.predict(data[0]))


@pytest.mark.slow
def test_ten_lines_of_the_readme(capsys):
    exec(code_blocks("README.md")[0], {})
    assert float(capsys.readouterr().out.splitlines()[-1]) > 0.68


def test_links_lead_somewhere():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"
