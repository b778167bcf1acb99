"""The examples run as the README says, in a folder of their own."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier

from skd2ace import selection
from skd2ace.benchmark import Store, import_fits
from skd2ace.metrics import best_thresholds
from skd2ace.model_selection import IterativeStratifiedKFold
from skd2ace.selection import BatchSelector

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
needs_mulan = pytest.mark.skipif(
    "SKD2ACE_DATA" not in os.environ, reason="SKD2ACE_DATA names no folder"
)


def run(script, *arguments, folder):
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / script, *arguments],
        cwd=folder,
        env={**os.environ, "MPLCONFIGDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_quickstart(tmp_path):
    printed = run("quickstart.py", "--epochs", "2", folder=tmp_path)
    for word in ("Macro-AUC", "Macro-F1", "Ranking loss", "Seconds", "Random forest", "D2ACE"):
        assert word in printed
    assert (tmp_path / "quickstart.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_images(tmp_path):
    arguments = ("--epochs", "2", "--samples", "200", "--heads", "linear", "ml-gcn")
    printed = run("images.py", *arguments, folder=tmp_path)
    assert printed.count(" mAP 0.") == 7


@pytest.mark.slow
def test_training_speed(tmp_path):
    script = "benchmarks/training_speed.py"
    arguments = ("--cases", "yeast", "mlp", "--rounds", "1", "--epochs", "2")
    printed = run(script, *arguments, folder=tmp_path)
    assert printed.count("D2ACE / shuffled") == 2


@pytest.mark.slow
def test_selection_cost(tmp_path):
    arguments = ("--epochs", "11", "--rounds", "1", "--shrink", "100")
    printed = run("benchmarks/selection_cost.py", *arguments, folder=tmp_path)
    assert printed.count("MLUnc(warmup_epochs=1)") == 2
    assert "at most" in printed


@pytest.mark.slow
def test_paca_memory(tmp_path):
    printed = run("benchmarks/paca_memory.py", "--sizes", "yeast", folder=tmp_path)
    losses = [float(line.split()[-1]) for line in printed.splitlines() if line.startswith("yeast")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.slow
def test_mpvae_memory(tmp_path):
    printed = run("benchmarks/mpvae_memory.py", "--sizes", "yeast", folder=tmp_path)
    assert re.search(r"^yeast, MPVAE +\d\.\d+ +\d\.\d+$", printed, flags=re.MULTILINE)
    assert re.search(r"^yeast, C2AE +\d\.\d+ +\d\.\d+$", printed, flags=re.MULTILINE)


@pytest.mark.slow
def test_networks(tmp_path):
    arguments = ("--data", "yeast", "--networks", "DELA", "--epochs", "1")
    printed = run("benchmarks/networks.py", *arguments, folder=tmp_path)
    assert printed.count("fold") == 5
    assert "DELA" in printed
    arguments = ("--data", "yeast", "--networks", "C2AE", "--epochs", "1", "--folds", "1")
    printed = run("benchmarks/networks.py", *arguments, folder=tmp_path)
    assert printed.count("fold") == 1
    assert "C2AE" in printed


@pytest.mark.slow
@needs_mulan
def test_reading_speed(tmp_path):
    printed = run("benchmarks/reading_speed.py", "--files", "yeast/yeast.arff", folder=tmp_path)
    assert re.search(r"yeast/yeast.arff +\d\.\d\d s +\d+\.\d x +\d+\.\d x", printed)


@pytest.mark.slow
def test_unknown_labels(tmp_path):
    arguments = ("--data", "yeast", "--models", "MLP", "--epochs", "1", "--folds", "2")
    printed = run("benchmarks/unknown_labels.py", *arguments, folder=tmp_path)
    assert re.search(r"^yeast MLP: all 0\.\d+, half 0\.\d+, ratio 0\.\d+", printed)


@pytest.mark.slow
@needs_mulan
def test_tabm_speed(tmp_path):
    arguments = ("--data", "flags", "--repeats", "1", "--threads", "1")
    printed = run("benchmarks/tabm_speed.py", *arguments, folder=tmp_path)
    assert re.search(r"^flags, 1 threads: \d+\.\d s .* \d+ GFLOP/s, \d+% of", printed)


@pytest.mark.slow
@needs_mulan
def test_out_of_bag(tmp_path):
    arguments = ("--data", "flags", "--folds", "1", "--sharing", "shared", "packed")
    printed = run("benchmarks/out_of_bag.py", *arguments, folder=tmp_path)
    gaps = [float(gap) for gap in re.findall(r"gap ([+-]0\.\d{3})", printed)]
    assert len(gaps) == 2
    # One fold of 39 rows says little; a score of rows that were seen would be .2 too high.
    assert all(abs(gap) < 0.15 for gap in gaps)


@pytest.mark.slow
def test_out_of_bag_of_noise(tmp_path):
    printed = run("benchmarks/out_of_bag.py", "--noise", "3", folder=tmp_path)
    scores = [float(score) for score in re.findall(r"(?:score|uncorrected) (0\.\d{3})", printed)]
    assert len(scores) == 4
    assert all(abs(score - 0.5) < 0.2 for score in scores)


@pytest.mark.slow
@needs_mulan
def test_info_batch(tmp_path):
    arguments = ("--data", "flags", "--folds", "2", "--epochs", "8")
    printed = run("benchmarks/info_batch.py", *arguments, folder=tmp_path)
    found = re.match(
        r"flags: (\d+\.\d)% left out, \d\.\d\d of the seconds, Macro-AUC [+-]0", printed
    )
    assert 10 < float(found[1]) < 60


@pytest.mark.slow
@needs_mulan
def test_recommended(tmp_path):
    arguments = ("--data", "flags", "--networks", "dela", "--epochs", "1")
    printed = run("benchmarks/recommended.py", *arguments, folder=tmp_path)
    assert len(re.findall(r"^flags dela, .*: 0\.\d{3}, 0\.\d{3}, 0\.\d{3}$", printed, re.M)) == 3


@pytest.mark.slow
@needs_mulan
def test_positive_weight(tmp_path):
    arguments = ("--data", "flags", "--weights", "1", "4")
    printed = run("benchmarks/positive_weight.py", *arguments, folder=tmp_path)
    one, four = (
        [float(value) for value in re.findall(r"(0\.\d{4})", line)]
        for line in printed.strip().splitlines()
    )
    # Labels at 0.5 are better, probabilities worse, and calibrated they are not.
    assert four[2] > one[2]
    assert four[5] > one[5]
    assert four[6] < four[5]


def test_tables_of_the_docs_are_those_of_the_kept_fits(tmp_path):
    printed = run("benchmarks/tables.py", folder=tmp_path).strip()
    assert "TabM" in printed
    assert printed in (EXAMPLES.parent / "docs" / "benchmark.md").read_text()


def test_tables_of_the_study_are_those_of_the_kept_fits(tmp_path):
    printed = run("benchmarks/selection_study.py", folder=tmp_path).strip()
    assert "gain in Macro-AUC" in printed
    assert printed in (EXAMPLES.parent / "docs" / "studies" / "selection.md").read_text()


@pytest.mark.slow
def test_compare_selectors(tmp_path):
    printed = run("compare_selectors.py", "--epochs", "2", "--seeds", "1", folder=tmp_path)
    shown = re.findall(r"^(\w+) +0\.\d{4} ± 0\.0000", printed, flags=re.MULTILINE)
    public = [getattr(selection, name) for name in selection.__all__]
    kinds = [cls for cls in public if isinstance(cls, type) and issubclass(cls, BatchSelector)]
    assert sorted(shown) == sorted(cls.__name__ for cls in kinds if cls is not BatchSelector)
    assert (tmp_path / "compare_selectors.png").read_bytes().startswith(b"\x89PNG")


def test_loop_of_ones_own(tmp_path):
    assert "Macro-AUC" in run("own_training_loop.py", "--epochs", "2", folder=tmp_path)


@pytest.mark.slow
def test_neighbors(tmp_path):
    pytest.importorskip("faiss")
    arguments = ("--sizes", "3000", "--rounds", "1", "--threads", "1")
    printed = run("benchmarks/neighbors.py", *arguments, folder=tmp_path)
    assert "the same neighbours: True" in printed
    assert float(re.search(r"agreement of Z (\d\.\d+)", printed).group(1)) > 0.9


@pytest.mark.slow
def test_selection_memory(tmp_path):
    arguments = ("--sizes", "2000x20", "3000x400")
    printed = run("benchmarks/selection_memory.py", *arguments, folder=tmp_path)
    least, most = re.search(r"bytes per cell: (\S+) to (\S+),", printed).groups()
    assert 15 < float(least) <= float(most) < 25


@pytest.mark.slow
def test_larger_than_memory(tmp_path):
    arguments = ("--folder", ".", "--gigabytes", "0.1", "--rounds", "1")
    printed = run("benchmarks/larger_than_memory.py", *arguments, folder=tmp_path)
    in_memory, from_file = map(int, re.findall(r"\d+", printed.splitlines()[-1]))
    assert in_memory - from_file > 70
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_import_time(tmp_path):
    printed = run("benchmarks/import_time.py", "--rounds", "1", folder=tmp_path)
    assert "median ratio" in printed


@pytest.mark.slow
def test_gpu_runs_on_a_cpu(tmp_path):
    arguments = ("--device", "cpu", "--cases", "mlp", "--rounds", "1", "--epochs", "2")
    printed = run("benchmarks/gpu.py", *arguments, folder=tmp_path)
    assert re.search(r"mlp( +\d+\.\d+){4} +\d+\n", printed)
    assert printed.endswith("waits of CLIF's last epoch: -\n")


@pytest.mark.slow
def test_one_row(tmp_path):
    printed = run("benchmarks/one_row.py", "--turns", "20", folder=tmp_path)
    assert len(re.findall(r"( +\d+\.\d+){5}\n", printed.replace("-", ""))) == 4


def test_the_sensitivity_of_the_page_is_that_of_the_kept_fits(tmp_path):
    store = Store(tmp_path / "fits.sqlite")
    import_fits(store, ROOT / "docs" / "results" / "sensitivity.jsonl.gz")
    results = store.results()
    page = " ".join((ROOT / "docs" / "selectors" / "d2ace.md").read_text().split())
    for parameter in ("n_neighbors", "mixture"):
        of_parameter = results[results["method"].str.startswith(f"{parameter}=")]
        means = of_parameter.groupby(["dataset", "method"])["macro_auc"].mean()
        for dataset in ("flags", "emotions"):
            low, high = (f"{value:.3f}".lstrip("0") for value in np.sort(means[dataset])[[0, -1]])
            assert f"{low} to {high}" in page


def test_the_label_errors_of_the_page_are_those_that_were_measured():
    kept = (ROOT / "docs" / "results" / "label_errors.jsonl").read_text().splitlines()
    rows = pd.DataFrame(map(json.loads, kept)).groupby(["data", "share"]).mean()
    page = (ROOT / "docs" / "label_report.md").read_text()
    digits = {"ours": 3, "theirs": 3, "recall": 2, "flagged": 2, "first": 3, "second": 3}
    for (data, share), row in rows.iterrows():
        cells = [f"{row[name]:.{n}f}".lstrip("0") for name, n in digits.items()]
        assert f"| {data} | {share:.0%} | ".replace("%", " %") + " | ".join(cells) + " |" in page
    assert f"takes {rows['seconds'].mean():.2f} of".replace("0.", ".") in page


@pytest.mark.parametrize("n_positives", [1, 20])
def test_baselines_tune_the_thresholds_of_lists_of_probabilities(monkeypatch, n_positives):
    # With one positive a forest that did not see it knows one class of the label.
    monkeypatch.syspath_prepend(EXAMPLES / "benchmarks")
    tuned_baselines = importlib.import_module("tuned_baselines")
    rng = np.random.default_rng(0)
    X = rng.random((60, 4))
    Y = np.column_stack([X[:, 0] > 0.5, X[:, 1] > 0.7, np.arange(60) < n_positives]).astype(int)
    forest = RandomForestClassifier(10, random_state=0)
    tuned = tuned_baselines.TunedThresholds(forest, random_state=0).fit(X, Y)

    proba = np.zeros(Y.shape)
    for train, test in IterativeStratifiedKFold(3, random_state=0).split(X, Y):
        copy = clone(forest).fit(X[train], Y[train])
        for label, (part, known) in enumerate(
            zip(copy.predict_proba(X[test]), copy.classes_, strict=True)
        ):
            if 1 in known:
                proba[test, label] = part[:, -1]
    np.testing.assert_array_equal(tuned.thresholds_, best_thresholds(Y, proba))
    whole = [part[:, -1] for part in clone(forest).fit(X, Y).predict_proba(X)]
    expected = np.column_stack(whole) >= tuned.thresholds_
    np.testing.assert_array_equal(tuned.predict(X), expected)
