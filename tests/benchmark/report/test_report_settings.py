"""A report says what its methods were set to, and how settings of one name differ."""

import re

import pytest
from sklearn.model_selection import KFold

from skd2ace._results import tell_how_they_differ
from skd2ace.benchmark import (
    Experiment,
    Store,
    __main__,
    differences,
    mean_table,
    report,
)
from skd2ace.neighbors import MLkNN
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
    before = told(store, capsys)
    run({"knn": MLkNN(3)}, 2, ("d", "e"))
    text = told(store, capsys)
    (kept,) = re.findall(r"- (knn \w{6}): MLkNN\(n_neighbors=3\)", text)
    left_out = re.findall(
        r"Left out: (knn \w{6}) \(cv.n_splits=2\), whose folds or seeds are not those of the rest "
        r"\(cv.n_splits=3\); with that e\.\n\n",
        text,
    )
    (other,) = left_out
    assert kept != other
    sentence = text[text.index("Left out") : text.index("Fitted")]
    assert text.replace(sentence, "").replace(kept, "knn") == before, "nothing else is new"
    assert "- knn: MLkNN(n_neighbors=3)" in told(store, capsys, "--datasets", "e")
    assert f"- {other}: MLkNN(n_neighbors=3)" in told(store, capsys, "--methods", other)
    assert "2 datasets, 1 method, 2 folds" in told(store, capsys, "--reference", other)


def test_a_report_of_a_stores_tables_is_the_commands(run, store, capsys):
    """Whatever was run a second time."""
    run({"knn": MLkNN(3), "also": MLkNN()}, datasets=("d", "e"))
    run({"knn": MLkNN(5)})
    run({"knn": MLkNN(7)}, 2)
    run({"knn": MLkNN(3)}, metrics={"right": share_right})
    tables = Store(store)
    text = report(tables.results(), curves=tables.curves(), failures=tables.failures())
    text = text.replace("\\", "")
    assert text + "\n" == told(store, capsys)
    assert re.search(r"methods, 3 folds, 1 seed.*\n\nLeft out: knn \w{6} \(cv.n_splits=2\)", text)


def test_a_command_that_worked_works_after_a_second_setting(run, store, capsys):
    command = ["--methods", "knn", "also", "--reference", "knn"]
    run({"knn": MLkNN(3), "also": MLkNN()}, datasets=("d", "e"))
    before = told(store, capsys, *command)
    run({"knn": MLkNN(5)})
    text = told(store, capsys, *command)
    (newer,) = re.findall(r"- (knn \w{6}) \(n_neighbors=5\)", text)
    (older,) = re.findall(r"- (knn \w{6}) \(n_neighbors=3\)", text)
    assert f"## Differences from {older}" in text
    assert f"knn was run with several settings and stands here for {older}, the one with" in text
    for head in ("| d | ", "| e | "):
        means = next(line for line in before.splitlines() if line.startswith(head))
        assert all(cell.strip(" *") in text for cell in means.strip("|").split("|")[1:])
    assert f"## Differences from {newer}" in told(store, capsys, *command[:-1], newer)


def test_settings_that_measure_something_else_are_no_methods_here(run, store, capsys):
    run({"knn": MLkNN(3), "also": MLkNN()})
    before = told(store, capsys)
    run({"knn": MLkNN(3), "also": MLkNN()}, metrics={"right": share_right})
    assert told(store, capsys) == before
    text = told(store, capsys, "--metric", "right", "--better", "higher")
    assert "- knn: MLkNN(n_neighbors=3)" in text
    run({"broken": MLkNN(10**6)})
    assert told(store, capsys, "--metric", "right", "--better", "higher") == text
    assert "No fit of broken succeeded" in told(store, capsys)


def test_single_statistics_of_a_stores_results(run, store):
    run({"knn": MLkNN(3), "also": MLkNN(), "far": MLkNN(9)}, datasets=("d", "e"))
    run({"knn": MLkNN(5)}, datasets=("d", "e"))
    results = Store(store).results()
    assert mean_table(results, "macro_auc")["mean"].shape == (2, 4)
    assert len(differences(results, "macro_auc", "knn")) == 2 * 3
    run({"knn": MLkNN(3)}, 2)
    brackets = r"\[also, far, knn \w{6}, knn \w{6}\] with cv.n_splits=3; \[knn \w{6}\] with cv"
    with pytest.raises(ValueError, match=brackets):
        mean_table(Store(store).results(), "macro_auc")


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
    assert tell_how_they_differ(texts) == {
        "a": "batch_selector=D2ACE, cv=IterativeStratifiedKFold, random_state=0",
        "b": "batch_selector=HardImb, cv=KFold, random_state=0",
        "c": "batch_selector=None, cv=IterativeStratifiedKFold, random_state=1",
    }
    assert tell_how_they_differ({"a": texts["a"], "b": texts["b"]}, ("random_state",)) == {
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


@pytest.mark.filterwarnings("ignore:.* A float in .* is a share of the run")
def test_schedules_that_do_not_fit_into_the_run(run, store, capsys, clif):
    late = D2ACE(warmup_epochs=5, mix_epochs=(30, 70))
    run({"late": clif(batch_selector=late), "shares": clif(batch_selector=D2ACE()), "no": clif()})
    text = told(store, capsys)
    misfits = text.partition("Schedules that do not fit into their run:")[2].split("\n\n")[1]
    assert misfits.splitlines() == [
        "- late: warmup_epochs=5 takes all 3 epochs: it only shuffles",
        "- late: mix_epochs=(30, 70) lies beyond the 3 epochs: the mixture does not reach mix_end",
    ]


def test_schedules_that_fit_are_not_mentioned(run, store, capsys, clif):
    run({"shares": clif(batch_selector=D2ACE()), "near": MLkNN(3)})
    assert "Schedules" not in told(store, capsys)
