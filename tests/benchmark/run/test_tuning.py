"""Macro-F1 at tuned thresholds, which each fit of an experiment records."""

import pytest
from sklearn.datasets import make_multilabel_classification

from skd2ace import CLIFClassifier, TabMClassifier
from skd2ace.benchmark import Comparison, Experiment
from skd2ace.inspection._metric import find_direction, find_title
from skd2ace.neighbors import MLkNN

SETTINGS = {
    "out of bag": (TabMClassifier, {"module__k": 4, "max_epochs": 3}),
    "held out": (CLIFClassifier, {"max_epochs": 3, "train_split": 0.3}),
}


@pytest.fixture(scope="module")
def data():
    return {"made up": make_multilabel_classification(n_samples=90, random_state=0)}


@pytest.mark.parametrize("kind", SETTINGS)
def test_it_is_what_tuning_in_the_fit_gives(data, kind):
    make, settings = SETTINGS[kind]
    methods = {
        str(threshold): make(threshold=threshold, verbose=0, **settings)
        for threshold in (0.5, "tune")
    }
    results = Experiment(data, methods, cv=3).run(progress=False)
    plain, tuned = (results[results["method"] == name].sort_values("fold") for name in methods)
    assert plain["tuned_macro_f1"].tolist() == tuned["macro_f1"].tolist()
    assert plain["tuned_macro_f1"].tolist() != plain["macro_f1"].tolist()


def test_methods_that_hold_nothing_out_have_none(data):
    whole = CLIFClassifier(max_epochs=1, train_split=None, verbose=0)
    methods = {"neighbours": MLkNN(), "whole": whole}
    assert Experiment(data, methods, cv=3).run(progress=False)["tuned_macro_f1"].isna().all()


def test_it_is_compared_as_macro_f1_is(data):
    make, settings = SETTINGS["out of bag"]
    methods = {f"rate {lr}": make(lr=lr, verbose=0, **settings) for lr in (1e-3, 1e-2)}
    results = Experiment(data, methods, cv=3).run(progress=False)
    assert Comparison(results, metric="tuned_macro_f1").higher_is_better
    assert find_direction("tuned_hamming_loss", None) is False
    assert find_title("tuned_macro_f1") == "Macro-F1 at tuned thresholds"
    with pytest.raises(ValueError, match="higher_is_better must be given"):
        find_direction("tuned_nonsense", None)
