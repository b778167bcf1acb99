"""``recommended()`` of the published networks."""

import numpy as np
import pytest
from sklearn.base import clone

from skd2ace import CLIFClassifier, DELAClassifier, PACAClassifier
from skd2ace.benchmark import make_methods
from skd2ace.datasets import make_mixed_table

CLASSES = [CLIFClassifier, DELAClassifier, PACAClassifier]


@pytest.mark.parametrize("cls", CLASSES)
def test_only_settings_differ_from_the_papers(cls):
    papers, ours = (
        {name: value for name, value in est.get_params().items() if "callbacks" not in name}
        for est in (cls(random_state=3), cls.recommended(random_state=3))
    )
    assert papers.keys() == ours.keys()
    assert {name for name in ours if ours[name] != papers[name]} == {
        "preprocessor", "batch_size", "lr", "max_epochs",
    }  # fmt: skip
    assert type(cls.recommended()) is cls


@pytest.mark.parametrize("cls", CLASSES)
def test_ones_own_parameters_come_first(cls):
    est = cls.recommended(lr=1e-2, module__dropout=0.3)
    assert (est.lr, est.batch_size, est.get_params()["module__dropout"]) == (1e-2, "auto", 0.3)
    assert clone(est).get_params()["lr"] == 1e-2


@pytest.mark.parametrize("cls", CLASSES)
def test_it_takes_a_table_of_any_kind(cls):
    X, Y = make_mixed_table(n_samples=120, random_state=0)
    est = cls.recommended(max_epochs=2, random_state=0, verbose=0).fit(X, Y)
    proba = est.predict_proba(X)
    assert proba.shape == Y.shape
    assert np.isfinite(proba).all()
    assert est.batch_size_ == 32


def test_the_benchmark_knows_them_by_name():
    names = [f"{name}-recommended" for name in ("clif", "dela", "paca")]
    methods = make_methods(names, ["random"])
    assert [type(est) for est in methods.values()] == CLASSES
    assert all(est.preprocessor == "auto" for est in methods.values())
