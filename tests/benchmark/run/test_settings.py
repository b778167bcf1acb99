"""Which settings make a fit another one, and which folds and labels are refused."""

import copy
import subprocess
import sys
from functools import partial
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, PredefinedSplit, ShuffleSplit
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import EarlyStopping
from skorch.dataset import ValidSplit

from skd2ace import CLIFClassifier, MultiLabelNetClassifier, metrics
from skd2ace._describe import describe
from skd2ace.benchmark import Experiment
from skd2ace.benchmark.run._task import RECORDED
from skd2ace.metrics import macro_auc, macro_f1
from skd2ace.neighbors import MLkNN
from skd2ace.networks import CLIF
from skd2ace.selection import D2ACE


def test_parameters_that_are_not_shown_count(data, tmp_path, clif):
    methods = [clif(batch_selector=D2ACE(n_neighbors=k)) for k in (5, 6)]
    digests = {
        Experiment({}, {"m": m}, store=tmp_path / "s")._digest(m)
        for m in (*methods, clif(), clif(lr=0.2), clif(train_split=None))
    }
    assert len(digests) == 5
    same = [clif(device="cpu"), clif(device="cuda"), clif(verbose=1)]
    assert len({Experiment({}, {}, store=tmp_path / "s")._digest(m) for m in same}) == 1


def digest(estimator, **given):
    with TemporaryDirectory() as folder:
        return Experiment({}, {}, **given, store=f"{folder}/s")._digest(estimator)


def apart(*kinds):
    return len(set(kinds)) == len(kinds)


def test_settings_whose_repr_leaves_something_out():
    def tables(value):
        names = np.array([f"name {n}" for n in range(2000)], dtype=object)
        names[1000] = value
        frame = pd.DataFrame({"name": names})
        return names, frame, frame["name"], pd.Index(names)

    for one, other in zip(tables("one"), tables("other"), strict=True):
        assert describe(one) != describe(other)
    for one, other in zip(tables("one"), tables("one"), strict=True):
        assert describe(one) == describe(other)
    assert describe(pd.DataFrame) == f"{pd.DataFrame.__module__}.DataFrame"


def test_scikit_learns_metrics_by_either_name():
    """Stores hold results of scikit-learn's own, which are the same."""
    for name in ("hamming_loss", "coverage_error"):
        ours, theirs = ({"m": getattr(module, name)} for module in (metrics, sklearn.metrics))
        assert digest(MLkNN(), metrics=ours) == digest(MLkNN(), metrics=theirs)
    assert digest(MLkNN(), metrics={"m": macro_f1}) != digest(MLkNN(), metrics={"m": macro_auc})


def test_settings_that_lie_deeper(tmp_path, clif):
    stops = [digest(clif(callbacks=[("es", EarlyStopping(patience=n))])) for n in (5, 50)]
    splits = [digest(clif(train_split=ValidSplit(part))) for part in (0.2, 0.4)]
    nested = [digest(OneVsRestClassifier(LogisticRegression(C=c))) for c in (1, 2)]
    metrics = [digest(MLkNN(), metrics={"auc": metric}) for metric in (macro_auc, macro_f1)]
    folds = np.repeat([0, 1], 1000)
    dealt = [digest(MLkNN(), cv=PredefinedSplit(np.roll(folds, n))) for n in (0, 500)]
    assert apart(*stops, *splits, *nested, *metrics, *dealt)
    seeds = [digest(clif(random_state=np.random.RandomState(n))) for n in (0, 1)]
    assert not apart(*seeds)


def always(value):
    return lambda Y, Y_pred: value


def test_functions_without_a_name_of_their_own(data, tmp_path):
    """A store gave the values of another function."""
    changed = {"mine": always(2.0)}, {"mine": lambda Y, Y_pred: 3.0}
    values = [
        Experiment({"d": data}, {"m": MLkNN()}, 2, metrics=metrics, store=tmp_path / "s")
        .run(progress=False)["mine"]
        .to_list()
        for metrics in ({"mine": always(1.0)}, *changed)
    ]
    assert values == [[value] * 2 for value in (1.0, 2.0, 3.0)]
    makes = [FunctionTransformer(f) for f in (lambda X: X, lambda X: 0 * X)]
    assert apart(*(digest(make_pipeline(make, MLkNN())) for make in makes))
    same = [digest(MLkNN(), metrics={"mine": always(1.0)}) for _ in range(2)]
    assert not apart(*same)


def test_networks_that_are_made_already(clif):
    """Neither settings nor weights are in a module's repr."""
    torch.manual_seed(0)
    mild, strict = (CLIF(8, 4, link_weight=weight) for weight in (1e-3, 1e3))
    strict.load_state_dict(mild.state_dict())
    other = CLIF(8, 4, link_weight=1e-3)
    nets = [digest(MultiLabelNetClassifier(module)) for module in (mild, strict, other)]
    assert apart(*nets)
    assert digest(MultiLabelNetClassifier(copy.deepcopy(mild).eval())) == nets[0]
    losses = [
        MultiLabelNetClassifier(CLIF, criterion__pos_weight=torch.full((4,), n)) for n in (1, 2)
    ]
    losses += [MultiLabelNetClassifier(partial(CLIF, link_weight=n)) for n in (1e-3, 1e3)]
    assert apart(*map(digest, losses))
    assert digest(clif(lr=np.float64(0.1))) == digest(clif(lr=0.1))


def test_the_same_settings_in_another_process():
    script = (
        "from skorch.callbacks import EarlyStopping; from skorch.dataset import ValidSplit\n"
        "from skd2ace import CLIFClassifier; from skd2ace.benchmark import Experiment\n"
        "est = CLIFClassifier(callbacks=[EarlyStopping()], train_split=ValidSplit(0.3))\n"
        "print(Experiment({}, {}, store='s')._digest(est))"
    )
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-c", script]
        child = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    est = CLIFClassifier(callbacks=[EarlyStopping()], train_split=ValidSplit(0.3))
    assert child.stdout.split() == [digest(est)]


def test_folds_that_would_differ_are_refused(data, tmp_path):
    advances = KFold(3, shuffle=True, random_state=np.random.RandomState(0))
    for cv in (KFold(3, shuffle=True), ShuffleSplit(3), advances):
        with pytest.raises(ValueError, match="deals other folds each time"):
            Experiment({"d": data}, {}, cv, store=tmp_path / "s")
    Experiment({"d": data}, {}, KFold(3), store=tmp_path / "s")
    assert digest(MLkNN(), cv=np.int64(3)) == digest(MLkNN(), cv=3)
    one_label = Experiment({"d": (data[0], data[1][:, :1])}, {"m": MLkNN()}, store=tmp_path / "s")
    with pytest.raises(ValueError, match="d: Y must be a matrix of two labels or more"):
        one_label.run(progress=False)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"random_state": -1},
            ValueError,
            "'random_state' parameter of Experiment must be .* Got -1",
        ),
        ({"random_state": None}, ValueError, "random_state.* Got None"),
        ({"n_seeds": 0}, ValueError, "n_seeds.* Got 0"),
        ({"n_seeds": 1.5}, ValueError, "n_seeds.* Got 1.5"),
        ({"cv": 1}, ValueError, "'cv' parameter .* Got 1"),
        ({"cv": None}, ValueError, "cv.* Got None"),
        ({"methods": [MLkNN()]}, ValueError, "methods.* Got \\[MLkNN"),
        ({"datasets": {1: None}}, TypeError, "datasets must be given by names"),
        ({"metrics": ["macro_auc"]}, ValueError, "metrics.* Got \\["),
        ({"metrics": {"fold": macro_auc}}, ValueError, "metrics must not be called 'fold'"),
    ],
)
def test_arguments_are_checked_before_any_data_is_loaded(tmp_path, given, error, message):
    given = {"datasets": {}, "methods": {}} | given
    with pytest.raises(error, match=message):
        Experiment(**given, store=tmp_path / "s")


def test_what_results_hold_is_no_name_for_a_metric(data, tmp_path, clif):
    experiment = Experiment({"d": data}, {"net": clif()}, 2, store=tmp_path / "s")
    results = experiment.run(progress=False)
    assert {*results.columns} - {*experiment.metrics} <= RECORDED
