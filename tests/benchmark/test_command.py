"""The command line: run, report and list, and what a newcomer gets wrong."""

import os
import shutil
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skd2ace.benchmark import Store, __main__
from skd2ace.benchmark._methods import PRESETS, SELECTORS

main = __main__.main


@pytest.fixture
def made_up(monkeypatch, data):
    """Data sets of the registry, all with the same made-up data."""
    monkeypatch.setattr(__main__, "fetch_mulan", lambda name, **_: data)


@pytest.fixture
def ran(made_up, tmp_path):
    path = tmp_path / "results.sqlite"
    arguments = ["--datasets", "emotions", "yeast", "--baselines", "mlknn", "logistic-regression"]
    status = main(["run", *arguments, "--folds", "3", "--store", str(path), "--quiet"])
    assert status == 0
    return path


def test_run(ran):
    results = Store(ran).results()
    assert len(results) == 2 * 2 * 3
    assert set(results["dataset"]) == {"emotions", "yeast"}


@pytest.mark.parametrize(
    ("format", "sign"), [("markdown", "| "), ("html", "<!DOCTYPE html>"), ("latex", r"\begin{")]
)
def test_report(ran, tmp_path, capsys, format, sign):
    assert main(["report", "--store", str(ran), "--format", format]) == 0
    printed = capsys.readouterr().out
    assert sign in printed
    assert "mlknn" in printed
    target = tmp_path / "report"
    arguments = ["--format", format, "--output", str(target), "--metric", "ranking_loss"]
    assert main(["report", "--store", str(ran), "--reference", "mlknn", *arguments]) == 0
    assert sign in target.read_text(encoding="utf-8")
    assert capsys.readouterr().out == ""


def test_a_method_run_with_several_settings(ran, capsys):
    again = ["run", "--datasets", "emotions", "--baselines", "mlknn", "--folds", "3", "--quiet"]
    assert main([*again, "--random-state", "1", "--store", str(ran)]) == 0
    assert main(["report", "--store", str(ran)]) == 0
    head = next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith("| dataset")
    )
    digests = Store(ran).results().query("method == 'mlknn'")["settings"].unique()
    assert len(digests) == 2
    assert all(f"mlknn {digest[:6]}" in head for digest in digests)
    assert "logistic-regression |" in head


def test_a_report_of_a_part(ran, capsys):
    part = ["--datasets", "yeast", "--methods", "mlknn"]
    assert main(["report", "--store", str(ran), *part]) == 0
    printed = capsys.readouterr().out
    assert "mlknn" in printed
    assert "emotions" not in printed
    assert "logistic-regression" not in printed
    assert main(["report", "--store", str(ran), "--methods", "clif"]) == 2
    assert "the store has no method 'clif'" in capsys.readouterr().err


def test_networks_with_selectors(made_up, tmp_path):
    path = str(tmp_path / "results.sqlite")
    names = ["--datasets", "emotions", "--networks", "clif", "--selectors", "random", "d2ace"]
    assert main(["run", *names, "--folds", "2", "--epochs", "1", "--store", path, "--quiet"]) == 0
    assert set(Store(path).results()["method"]) == {"clif random", "clif d2ace"}


def test_presets_name_what_there_is():
    for preset in PRESETS.values():
        assert set(preset["datasets"]) <= set(__main__.mulan_registry())
        assert set(preset["selectors"]) <= set(SELECTORS)
    table3 = PRESETS["d2ace-table3"]
    assert [len(table3[part]) for part in ("datasets", "networks", "selectors")] == [13, 3, 8]


def test_a_preset_in_part(made_up, tmp_path):
    path = str(tmp_path / "results.sqlite")
    parts = ["--datasets", "flags", "--networks", "clif", "--selectors", "balance"]
    arguments = ["run", "--preset", "d2ace-table3", *parts, "--folds", "2", "--epochs", "1"]
    assert main([*arguments, "--store", path, "--quiet"]) == 0
    assert set(Store(path).results()["method"]) == {"clif balance"}


def test_features_that_the_papers_keep(tmp_path, data, monkeypatch):
    """Of rcv1subset1 the papers keep 2 % of 47236 features; an edition with 944 stays whole."""
    X, Y = data
    for width, kept in ((47236, 944), (944, 944)):
        wide = np.tile(X, 6000)[:, :width]
        monkeypatch.setattr(__main__, "fetch_mulan", lambda name, wide=wide, **_: (wide, Y))
        load = __main__._loader("rcv1subset1", None)
        assert load()[0].shape == (60, kept)
    assert __main__._loader("yeast", None)()[0].shape == (60, 944)


def test_list(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for name in ("emotions", "clif", "d2ace", "mlknn", "d2ace-table3"):
        assert name in printed.split()


WRONG = {
    "no data set": (["--networks", "clif"], "give --datasets"),
    "no method": (["--datasets", "yeast"], "give --networks or --baselines"),
    "an unknown data set": (["--datasets", "yest", "--baselines", "mlknn"], "no data set 'yest'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes(tmp_path, capsys, case):
    arguments, message = WRONG[case]
    assert main(["run", *arguments, "--store", str(tmp_path / "s")]) == 2
    assert message in capsys.readouterr().err


def test_a_report_of_nothing(tmp_path, capsys):
    assert main(["report", "--store", str(tmp_path / "s")]) == 2
    assert "there is no store" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_failures_are_told_and_tried_again(made_up, tmp_path, capsys, monkeypatch):
    path = str(tmp_path / "results.sqlite")
    names = ["--datasets", "emotions", "--baselines", "mlknn"]
    arguments = ["run", *names, "--store", path, "--quiet"]
    with monkeypatch.context() as patch:
        patch.setattr("skd2ace.benchmark._mlknn.NearestNeighbors", None)
        assert main(arguments) == 1
    assert "failed: emotions, mlknn, fold 1: TypeError" in capsys.readouterr().out
    assert main(arguments) == 1
    assert main([*arguments, "--retry-failed"]) == 0
    assert len(Store(path).results()) == 5


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_in_a_browser(ran, tmp_path):
    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    assert main(["report", "--store", str(ran), "--format", "html", "--output", str(page)]) == 0
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=420,2000"]
    subprocess.run([*command, f"--screenshot={picture}", page.as_uri()], check=True, timeout=120)
    shown = plt.imread(picture)[:, :, :3]
    # Wide tables scroll within the page, and the page itself is not cut off at the right.
    assert shown.shape[1] == 420
    assert shown[:300].std() > 0.05
    assert shown[:, -10:].std() < shown.std() / 2


@pytest.mark.parametrize("action", [[], ["run"], ["report"], ["list"]])
def test_help(action, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*action, "--help"])
    assert ended.value.code == 0
    assert "python -m skd2ace.benchmark" in capsys.readouterr().out


@pytest.mark.skipif("SKD2ACE_DATA" not in os.environ, reason="SKD2ACE_DATA names no folder")
def test_as_a_program_on_real_data(tmp_path):
    command = [sys.executable, "-m", "skd2ace.benchmark", "run", "--datasets", "flags", "emotions"]
    store = ["--baselines", "mlknn", "--folds", "3", "--store", str(tmp_path / "s")]
    ran = subprocess.run([*command, *store], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "3.0/3" in ran.stderr
    results = Store(tmp_path / "s").results()
    sizes = results.groupby("dataset")[["n_train", "n_test"]].sum().sum(axis=1) / 3
    assert sizes.to_dict() == {"emotions": 593, "flags": 194}
