"""A report says what its methods were set to, and how settings of one name differ."""

import re

import pytest
from sklearn.model_selection import KFold

from skd2ace.benchmark import Experiment, MLkNN, Store, __main__
from skd2ace.benchmark.compare._settings import differences_of
from skd2ace.selection import D2ACE, HardImb

main = __main__.main


@pytest.fixture
def store(tmp_path):
    return tmp_path / "results.sqlite"


@pytest.fixture
def run(data, store):
    def run(methods, cv=3, datasets=("d",), **settings):
        named = dict.fromkeys(datasets, data)
        Experiment(named, methods, cv, store=store, **settings).run(progress=False)

    return run


def told(store, capsys, *arguments, status=0):
    assert main(["report", "--store", str(store), *arguments]) == status
    captured = capsys.readouterr()
    return captured.err if status else captured.out.replace("\\", "")


def test_parameters_that_are_no_defaults(run, store, capsys, clif):
    run({"short": clif(batch_selector=D2ACE(n_neighbors=4)), "near": MLkNN(3), "plain": MLkNN()})
    text = told(store, capsys)
    assert "## Settings\n\n- near: MLkNN(n_neighbors=3)\n- plain: MLkNN()\n- short: CLIF" in text
    line = next(line for line in text.splitlines() if line.startswith("- short"))
    assert "CLIFClassifier(batch_selector=D2ACE(n_neighbors=4), max_epochs=3," in line
    page = told(store, capsys, "--format", "html")
    assert "<ul>\n<li>near: MLkNN(n_neighbors=3)</li>" in page
    part = told(store, capsys, "--format", "latex")
    assert "\\begin{itemize}\n\\item {near: MLkNN(n_neighbors=3)}".replace("\\", "") in part


def test_several_settings_of_one_name(run, store, capsys):
    run({"knn": MLkNN(3)})
    run({"knn": MLkNN(5), "other": MLkNN()})
    text = told(store, capsys)
    assert sorted(re.findall(r"- knn \w{6} \((n_neighbors=\d)\): MLkNN", text)) == [
        "n_neighbors=3",
        "n_neighbors=5",
    ]
    assert "- other: MLkNN()" in text
    text = told(store, capsys, "--methods", "knn")
    assert "1 dataset, 2 methods" in text
    assert "other" not in text
    (name,) = re.findall(r"- (knn \w{6}) \(n_neighbors=3\)", text)
    assert "1 dataset, 1 method" in told(store, capsys, "--methods", name)
    assert "no method 'kn', but knn " in told(store, capsys, "--methods", "kn", status=2)


def test_other_folds_of_one_name(run, store, capsys):
    run({"knn": MLkNN(3), "also": MLkNN()})
    run({"knn": MLkNN(3)}, 2, ("d", "e"))
    error = told(store, capsys, status=2)
    brackets = r"\[also, knn \w{6}\] with cv.n_splits=3"
    assert re.search(brackets, error), error
    assert re.search(r"\[knn \w{6}\] with cv.n_splits=2", error)
    assert "--methods" in error
    assert "--datasets" in error
    assert "- knn: MLkNN(n_neighbors=3)" in told(store, capsys, "--datasets", "e")


def test_what_differs_is_told_once(tmp_path, clif):
    def described(estimator, cv=3, random_state=0):
        given = {"random_state": random_state, "store": tmp_path / "s"}
        experiment = Experiment({}, {}, cv, **given)
        return experiment._describe(estimator)

    texts = {
        "a": described(clif(batch_selector=D2ACE(n_neighbors=3))),
        "b": described(clif(batch_selector=HardImb()), KFold(3)),
        "c": described(clif(), random_state=1),
    }
    assert differences_of(texts) == {
        "a": "batch_selector=D2ACE, cv=IterativeStratifiedKFold, random_state=0",
        "b": "batch_selector=HardImb, cv=KFold, random_state=0",
        "c": "batch_selector=None, cv=IterativeStratifiedKFold, random_state=1",
    }
    assert differences_of({"a": texts["a"], "b": texts["b"]}, ("random_state",)) == {
        "a": "",
        "b": "",
    }


def share_right(Y, Y_pred):
    return (Y_pred == Y).mean()


def test_metrics_of_ones_own(run, store, capsys):
    run({"near": MLkNN(3), "far": MLkNN(9)}, metrics={"right": share_right})
    assert "say with --better which values of right are" in told(
        store, capsys, "--metric", "right", status=2
    )
    assert "no metric 'macro_auc', but right" in told(store, capsys, status=2)
    for better in ("higher", "lower"):
        text = told(store, capsys, "--metric", "right", "--better", better)
        assert f"{'larger' if better == 'higher' else 'smaller'} is better" in text
        mean = Store(store).results().groupby("method")["right"].mean()
        best = mean.max() if better == "higher" else mean.min()
        assert f"**{best:.4f}" in text
