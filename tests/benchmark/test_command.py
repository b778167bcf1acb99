"""The command line: run, report and list, and what a newcomer gets wrong."""

import os
import re
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest

from skd2ace.benchmark import Experiment, Store, __main__, published
from skd2ace.benchmark._listing import ABOUT
from skd2ace.benchmark.run import _experiment, _mulan
from skd2ace.benchmark.run._baselines import BASELINES
from skd2ace.benchmark.run._image_sources import IMAGE_SETS
from skd2ace.benchmark.run._methods import NETWORKS, SELECTORS
from skd2ace.benchmark.run._mulan import find_mulan
from skd2ace.benchmark.run._presets import PRESETS
from skd2ace.benchmark.run._sources import MIXED_TABLE, find_sources
from skd2ace.datasets import make_mixed_table, mulan_registry
from skd2ace.metrics._records import METRICS
from skd2ace.neighbors import MLkNN

main = __main__.main


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
    arguments = ["--format", format, "--output", str(target), "--metric", "label_ranking_loss"]
    assert main(["report", "--store", str(ran), "--reference", "mlknn", *arguments]) == 0
    assert sign in target.read_text(encoding="utf-8")
    assert capsys.readouterr().out == ""


def test_a_method_run_with_several_settings(ran, data, capsys):
    Experiment({"emotions": data}, {"mlknn": MLkNN(5)}, 3, store=ran).run(progress=False)
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
    assert "no method 'clif', but logistic-regression, mlknn" in capsys.readouterr().err


def test_a_trial_on_another_data_set_is_no_reason_for_digests(ran, capsys):
    trial = ["run", "--datasets", "emotions", "--baselines", "mlknn", "--folds", "2", "--quiet"]
    assert main([*trial, "--store", str(ran)]) == 0
    part = ["--datasets", "yeast", "--methods", "mlknn", "logistic-regression"]
    assert main(["report", "--store", str(ran), *part]) == 0
    assert "| mlknn |" in capsys.readouterr().out


def test_networks_with_selectors(made_up, tmp_path):
    path = str(tmp_path / "results.sqlite")
    names = ["--datasets", "emotions", "--networks", "clif", "--selectors", "random", "d2ace"]
    assert main(["run", *names, "--folds", "2", "--epochs", "1", "--store", path, "--quiet"]) == 0
    assert set(Store(path).results()["method"]) == {"clif random", "clif d2ace"}


def test_methods_of_ones_own(made_up, tmp_path, monkeypatch):
    (tmp_path / "of_mine.py").write_text(
        "from skd2ace.neighbors import MLkNN\n\ndef make():\n    return MLkNN(n_neighbors=3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    path = str(tmp_path / "results.sqlite")
    words = [
        *("--method", "mine=of_mine:make", "smoothing=0.5"),
        *("--method", "k5=mlknn", "n_neighbors=5"),
        *("--method", "short=clif d2ace", "batch_selector__n_neighbors=2", "lr=0.01"),
        *("--method", "plain=clif"),
    ]
    arguments = ["--datasets", "emotions", *words, "--epochs", "1", "--folds", "2"]
    assert main(["run", *arguments, "--store", path, "--quiet"]) == 0
    found = Store(path).results().groupby("method")["estimator"].first()
    assert found.index.tolist() == ["k5", "mine", "plain", "short"]
    assert found["mine"] == "MLkNN(n_neighbors=3, smoothing=0.5)"
    assert found["k5"] == "MLkNN(n_neighbors=5)"
    assert "D2ACE(n_neighbors=2)" in found["short"]
    assert "lr=0.01, max_epochs=1" in found["short"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mlknn"], "NAME=package.module:factory, or NAME=METHOD; got 'mlknn'"),
        (["=mlknn"], "got '=mlknn'"),
        (["a=mlknn", "5"], "PARAMETER=VALUE; got '5'"),
        (["a=no_such_module:make"], "no_such_module:make cannot be imported"),
        (["a=skd2ace:nothing"], "skd2ace:nothing cannot be imported"),
        (["a=builtins:dict"], "builtins:dict gave no estimator, but {}"),
        (["a=clif d3ace"], "There is no 'd3ace'"),
        (["a=mlknn", "neighbours=3"], "Invalid parameter 'neighbours'"),
        (["mlknn=mlknn"], "there is such a method already"),
    ],
)
def test_methods_that_cannot_be_made(made_up, tmp_path, capsys, words, message):
    command = ["run", "--datasets", "emotions", "--baselines", "mlknn", "--method", *words]
    assert main([*command, "--store", str(tmp_path / "s"), "--quiet"]) == 2
    assert message in capsys.readouterr().err


def test_presets_name_what_there_is():
    for preset in PRESETS.values():
        assert set(preset.datasets) <= {*mulan_registry(), MIXED_TABLE, *IMAGE_SETS}
        assert set(preset.metrics) <= set(METRICS)
        assert set(preset.networks) <= set(NETWORKS)
        assert set(preset.selectors) <= set(SELECTORS)
        assert set(preset.baselines) <= set(BASELINES)
        assert set(preset.slow) <= set(preset.networks)
    table3 = PRESETS["d2ace-table3"]
    parts = table3.datasets, table3.networks, table3.selectors
    assert [len(part) for part in parts] == [13, 3, 8]
    assert len(PRESETS["tables"].datasets) == 14
    of_paper = published("hard-imb-2")
    table2 = PRESETS["hard-imb-table2"]
    assert set(table2.datasets) == set(of_paper["dataset"])
    assert set(table2.networks) == set(of_paper["network"].str.lower())
    assert set(table2.selectors) == set(of_paper["method"].str.lower())
    assert set(PRESETS["tables"].baselines) == set(BASELINES)


def test_hard_imbs_table_with_its_numbers_beside(made_up, tmp_path, capsys):
    path = str(tmp_path / "results.sqlite")
    parts = ["--datasets", "yeast", "--networks", "c2ae", "--folds", "2", "--epochs", "1"]
    arguments = ["run", "--preset", "hard-imb-table2", *parts, "--store", path, "--quiet"]
    assert main(arguments) == 0
    assert set(Store(path).results()["method"]) == {"c2ae random", "c2ae hard-imb"}
    capsys.readouterr()
    assert main(["report", "--store", path, "--published"]) == 0
    text = capsys.readouterr().out
    assert "| yeast, C2AE | 0.7045 | 0.7100 |" in text
    assert "| yeast, MPVAE | 0.6949 | 0.7013 |" in text


def test_a_preset_in_part(made_up, tmp_path):
    path = str(tmp_path / "results.sqlite")
    parts = ["--datasets", "flags", "--networks", "clif", "--selectors", "balance"]
    arguments = ["run", "--preset", "d2ace-table3", *parts, "--folds", "2", "--epochs", "1"]
    assert main([*arguments, "--store", path, "--quiet"]) == 0
    assert set(Store(path).results()["method"]) == {"clif balance"}


def test_the_tables_in_part(made_up, tmp_path, capsys, monkeypatch):
    """Three seeds, and of the slow networks one fit where there are many cells."""
    monkeypatch.setattr(_experiment, "_MANY_CELLS", 1000)
    path = str(tmp_path / "results.sqlite")
    parts = ["--datasets", "flags", "mixed-table", "--networks", "clif", "--baselines", "mlknn"]
    arguments = ["run", "--preset", "tables", *parts, "--folds", "2", "--epochs", "1"]
    assert main([*arguments, "--store", path, "--quiet"]) == 0
    n_fits = Store(path).results().groupby(["dataset", "method"]).size().to_dict()
    assert n_fits == {
        ("flags", "clif random"): 6,
        ("flags", "mlknn"): 6,
        ("mixed-table", "clif random"): 1,
        ("mixed-table", "mlknn"): 6,
    }
    assert main([*arguments, "--seeds", "1", "--store", path, "--quiet"]) == 0
    assert main(["report", "--store", path]) == 0
    assert "## Best or within one standard error" in capsys.readouterr().out


def test_features_that_the_papers_keep(tmp_path, data, monkeypatch):
    """Of rcv1subset1 the papers keep 2 % of 47236 features; an edition with 944 stays whole."""
    X, Y = data
    for width, kept in ((47236, 944), (944, 944)):
        wide = np.tile(X, 6000)[:, :width]
        monkeypatch.setattr(_mulan, "fetch_mulan", lambda name, wide=wide, **_: (wide, Y))
        assert find_mulan(["rcv1subset1"])["rcv1subset1"]()[0].shape == (60, kept)
    assert find_mulan(["yeast"])["yeast"]()[0].shape == (60, 944)


def test_rare_labels(made_up, tmp_path, data):
    """Of the made-up labels the last is rare."""
    positives = data[1].sum(axis=0)
    least = int(positives[:3].min())
    assert positives[3] < least
    path = str(tmp_path / "results.sqlite")
    arguments = ["--datasets", "flags", "--baselines", "mlknn", "--folds", "2", "--store", path]
    assert main(["run", *arguments, "--min-positives", str(least), "--quiet"]) == 0
    sizes = Store(path).results()[["n_train", "n_test"]].sum(axis=1)
    assert set(sizes) == {int(data[1][:, :3].any(axis=1).sum())} != {60}
    _, Y = find_sources(["mixed-table"], None, 50)["mixed-table"]()
    assert list(Y) == list(make_mixed_table(random_state=0)[1].columns[:6])
    assert Y.any(axis=1).all()
    assert find_mulan(["flags"], None, least)["flags"]()[1].shape[1] == 3


def test_names_in_other_capitals(ran, capsys):
    again = ["--datasets", "YEAST", "--baselines", "mlknn", "--folds", "3", "--store", str(ran)]
    assert main(["run", *again, "--quiet"]) == 0
    assert len(Store(ran).results()) == 2 * 2 * 3
    assert main(["report", "--store", str(ran), "--datasets", "Yeast"]) == 0
    assert "1 dataset, 2 methods" in capsys.readouterr().out


def test_list(capsys, tmp_path):
    (tmp_path / "flags").mkdir()
    for name in ("flags.arff", "flags.xml"):
        (tmp_path / "flags" / name).touch()
    assert main(["list", "--data-home", str(tmp_path)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "emotions 593 72 6 music - to be downloaded" in lines
    assert "genbase 662 1186 27 biology - put them there yourself" in lines
    assert "flags 194 19 7 images - here" in lines
    # Whose papers have numbers.
    assert "yeast 2417 103 14 biology D2ACE, Hard-Imb to be downloaded" in lines
    assert f"networks: {' '.join(PRESETS['d2ace-table3'].networks)}" in lines
    assert "mixed-table 1500 20 8 made up - none needed" in lines
    # Each with what it is.
    for names, known in zip(ABOUT.values(), (NETWORKS, SELECTORS, BASELINES), strict=True):
        assert list(names) == list(known)
        # Behind some that are not installed stands why.
        for name, text in names.items():
            assert any(line.startswith(f"{name} {text}") for line in lines), name


WRONG = {
    "no data set": (["--networks", "clif"], "give --datasets"),
    "no method": (["--datasets", "yeast"], "give --networks, --baselines or --method"),
    "an unknown data set": (["--datasets", "yest", "--baselines", "mlknn"], "no data set 'yest'"),
    "Dask without an address": (["--backend", "dask"], "--scheduler ADDRESS need each other"),
    "an address without Dask": (["--backend", "loky", "--scheduler", "x"], "need each other"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes(tmp_path, capsys, case):
    arguments, message = WRONG[case]
    assert main(["run", *arguments, "--store", str(tmp_path / "s")]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "least"), [("--folds", 2), ("--seeds", 1), ("--epochs", 1), ("--jobs", 1)]
)
def test_numbers_that_are_too_small(capsys, option, least):
    for value in (str(least - 1), "-3", "many"):
        with pytest.raises(SystemExit) as ended:
            main(["run", "--store", "s", option, value])
        assert ended.value.code == 2
        told = capsys.readouterr().err
        assert f"argument {option}: must be a whole number of at least {least}" in told
        assert f"got '{value}'" in told


def test_an_unknown_metric(ran, capsys):
    assert main(["report", "--store", str(ran), "--metric", "auc"]) == 2
    told = capsys.readouterr().err
    assert "the store has no metric 'auc', but " in told
    assert "hamming_loss, " in told


def test_published_numbers(ran, capsys):
    assert main(["report", "--store", str(ran)]) == 0
    assert "Published" not in capsys.readouterr().out
    assert main(["report", "--store", str(ran), "--published"]) == 0
    printed = capsys.readouterr().out
    # ML-Unc with CLIF on yeast, as Table 3 of the D2ACE paper has it.
    assert "D2ACE, Table 3" in printed
    assert "yeast" in printed.partition("Published")[2]


def test_a_report_of_nothing(tmp_path, capsys):
    assert main(["report", "--store", str(tmp_path / "s")]) == 2
    assert "there is no store" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_failures_are_told_and_tried_again(made_up, tmp_path, capsys, monkeypatch):
    path = str(tmp_path / "results.sqlite")
    names = ["--datasets", "emotions", "--baselines", "mlknn"]
    arguments = ["run", *names, "--store", path, "--quiet"]
    with monkeypatch.context() as patch:
        patch.setattr("skd2ace.neighbors._mlknn.NearestNeighbors", None)
        assert main(arguments) == 1
    assert "failed: emotions, mlknn, fold 1: TypeError" in capsys.readouterr().out
    assert main(arguments) == 1
    assert main([*arguments, "--retry-failed"]) == 0
    assert len(Store(path).results()) == 5


def test_a_report_names_what_failed(ran, capsys, monkeypatch):
    again = ["run", "--datasets", "emotions", "yeast", "--baselines", "mlp", "--quiet"]
    with monkeypatch.context() as patch:
        patch.setattr("sklearn.neural_network.MLPClassifier.fit", None)
        assert main([*again, "--folds", "3", "--store", str(ran)]) == 1
    capsys.readouterr()
    assert main(["report", "--store", str(ran)]) == 0
    assert "failed: mlp (6)" in capsys.readouterr().out
    assert main(["report", "--store", str(ran), "--datasets", "yeast"]) == 0
    assert "failed: mlp (3)" in capsys.readouterr().out
    assert main(["report", "--store", str(ran), "--methods", "mlknn"]) == 0
    assert "failed" not in capsys.readouterr().out
    assert main(["report", "--store", str(ran), "--methods", "mlp"]) == 2
    assert "no fit of these has succeeded; 6 failed" in capsys.readouterr().err


def test_fits_left_to_other_processes_are_told(ran, made_up, capsys):
    with sqlite3.connect(ran) as db:
        (key,) = db.execute(
            "DELETE FROM fits WHERE dataset = 'yeast' AND method = 'mlknn' AND fold = 1 "
            "RETURNING dataset, method, fold, seed, settings"
        ).fetchall()
        db.execute(
            "INSERT INTO running VALUES (?, ?, ?, ?, ?, 'elsewhere', 7, 0, ?, NULL)",
            (*key, time.time() - 300),
        )
    arguments = ["--datasets", "emotions", "yeast", "--baselines", "mlknn", "--folds", "3"]
    assert main(["run", *arguments, "--store", str(ran), "--quiet"]) == 1
    told = capsys.readouterr().out
    assert re.search(r"1 fit is left to process 7 on elsewhere, last heard of 3\d\d s ago", told)


def test_what_would_be_in_vain_is_told_first(made_up, tmp_path, capsys):
    nets = ["run", "--datasets", "emotions", "--networks", "clif", "--selectors", "random", "d2ace"]
    nets += ["d2ace-reference"]
    arguments = [*nets, "--epochs", "10", "--store", str(tmp_path / "s"), "--device", "gpu0"]
    assert main(arguments) == 2
    told = capsys.readouterr().err
    misfits = [line for line in told.splitlines() if line.startswith("clif")]
    assert misfits == [
        "clif d2ace-reference: warmup_epochs=10 takes all 10 epochs: it only shuffles.",
        "clif d2ace-reference: mix_epochs=(10, 70) lies beyond the 10 epochs: the mixture does "
        "not reach mix_end.",
    ]
    assert "--device gpu0: Invalid device string" in told
    assert len(Store(tmp_path / "s").failures()) == 0


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
