"""Labels that are not known have no say, in any network and with any selector."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_score

from skd2ace.metrics import best_f1_thresholds, macro_auc, macro_auc_scorer
from skd2ace.networks import CLIF
from skd2ace.selection import D2ACE

SELECTION = Path(__file__).parents[1] / "selection"
SELECTORS = runpy.run_path(str(SELECTION / "test_common.py"))["SELECTORS"]


@pytest.fixture
def known():
    """Three of four cells, of instance 3 none."""
    known = np.random.default_rng(2).random((60, 4)) < 0.75
    known[3] = False
    return known


def hide(Y, known):
    return np.where(known, Y, np.nan)


def assert_hiding_is_weighting_by_zero(make_one, data, known, outcome):
    X, Y = data
    hidden = make_one().fit(X, hide(Y, known))
    for Y_there in (Y, 1 - Y):
        held = np.where(known, Y, Y_there)
        assert outcome(make_one().fit(X, held, sample_weight=known.astype(float))) == outcome(
            hidden
        )
    assert outcome(make_one().fit(X, Y)) != outcome(hidden)


def test_hiding_is_weighting_by_zero_in_every_network(make_any, data, known, outcome):
    assert_hiding_is_weighting_by_zero(make_any, data, known, outcome)


@pytest.mark.parametrize("selector", SELECTORS, ids=str)
def test_hiding_is_weighting_by_zero_with_every_selector(make, selector, data, known, outcome):
    def make_one():
        return make(batch_selector=clone(selector), max_epochs=4)

    assert_hiding_is_weighting_by_zero(make_one, data, known, outcome)


FORMS = {
    "float": hide,
    "frame": lambda Y, known: pd.DataFrame(hide(Y, known)),
    "NA": lambda Y, known: pd.DataFrame(hide(Y, known)).astype("Int64"),
    "NA of booleans": lambda Y, known: pd.DataFrame(hide(Y, known)).astype("boolean"),
    "None": lambda Y, known: np.where(known, Y.astype(object), None).tolist(),
    "masked": lambda Y, known: np.ma.array(Y, mask=~known),
    "tensor": lambda Y, known: torch.from_numpy(hide(Y, known)),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(make, data, known, outcome, form):
    X, Y = data
    est = make(batch_selector=D2ACE(warmup_epochs=2)).fit(X, FORMS[form](Y, known))
    expected = make(batch_selector=D2ACE(warmup_epochs=2)).fit(X, hide(Y, known))
    assert outcome(est) == outcome(expected)


def test_labels_without_any_known_value(make_any, data, known):
    X, Y = data
    known[:, 2] = False
    est = make_any(threshold="tune", train_split=0.4).fit(X, hide(Y, known))
    assert np.isfinite(est.predict_proba(X)).all()
    assert est.thresholds_[2] == 0.5


def test_validation_and_thresholds_leave_them_out(make, data, known):
    X, Y = data
    est = make(max_epochs=1, threshold="tune", train_split=0.4).fit(X, hide(Y, known))
    rows = est.valid_indices_
    proba, cells = est.predict_proba(X[rows]), known[rows]
    losses = -np.log(np.where(Y[rows] == 1, proba, 1 - proba))[cells]
    assert est.history[-1, "valid_loss"] == pytest.approx(losses.mean(), rel=1e-5)
    areas = [macro_auc(Y[rows][c, j], proba[c, j]) for j, c in enumerate(cells.T)]
    assert est.history[-1, "valid_macro_auc"] == pytest.approx(np.nanmean(areas))
    for label, of_label in enumerate(cells.T):
        column = Y[rows][of_label, label][:, None], proba[of_label, label][:, None]
        assert est.thresholds_[label] == best_f1_thresholds(*column)[0]


def test_clifs_graph_counts_what_is_known(make_clif, data, known):
    X, Y = data
    est = make_clif(train_split=None).fit(X, hide(Y, known))
    network = CLIF(n_features=8, n_labels=4)
    network.fit_label_graph(torch.tensor(Y).float(), torch.tensor(known).float())
    buffers = dict(network.named_buffers())
    fitted = dict(est.module_.named_buffers())
    names = [name for name in buffers if buffers[name].shape == (4, 4)]
    assert names
    for name in names:
        torch.testing.assert_close(fitted[name], buffers[name])


def test_score_and_cross_validation(make, data, known):
    X, Y = data
    est = make().fit(X, Y)
    right = (est.predict(X) == Y) | ~known
    assert est.score(X, hide(Y, known)) == pytest.approx(right[known.any(1)].all(1).mean())
    # A number of folds would have scikit-learn look for classes, and warn of NaN.
    scores = cross_val_score(make(), X, hide(Y, known), cv=KFold(3), scoring=macro_auc_scorer)
    assert np.isfinite(scores).all()


def test_nothing_known_in_a_part(make, data):
    X, Y = data
    est = make().fit(X, Y)
    hidden = Y.astype(float)
    hidden[est.valid_indices_] = np.nan
    with pytest.raises(ValueError, match="held out for validation are all unknown or of weight 0"):
        make().fit(X, hidden)
    assert np.isnan(est.score(X, np.full(Y.shape, np.nan)))
