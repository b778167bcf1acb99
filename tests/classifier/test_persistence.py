"""Pickle, joblib, and skorch's own parameters."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest


@pytest.mark.parametrize("how", ["pickle", "joblib"])
def test_round_trip(make_clif, data, tmp_path, how):
    est = make_clif(threshold="tune").fit(*data)
    path = tmp_path / "est"
    if how == "pickle":
        path.write_bytes(pickle.dumps(est))
        again = pickle.loads(path.read_bytes())
    else:
        joblib.dump(est, path)
        again = joblib.load(path)
    np.testing.assert_array_equal(again.predict_proba(data[0]), est.predict_proba(data[0]))
    np.testing.assert_array_equal(again.predict(data[0]), est.predict(data[0]))
    assert again.history[:, "train_loss"] == est.history[:, "train_loss"]
    assert again.partial_fit(*data).batch_selector_.n_epochs_ == 10


def test_another_process_predicts_the_same(make_clif, data, tmp_path):
    X, Y = data
    est = make_clif().fit(X, Y)
    (tmp_path / "est").write_bytes(pickle.dumps(est))
    np.save(tmp_path / "X.npy", X)
    script = (
        "import pickle, sys, numpy as np, torch; torch.set_num_threads(1);"
        "est = pickle.load(open(sys.argv[1] + '/est', 'rb'));"
        "np.save(sys.argv[1] + '/proba.npy', est.predict_proba(np.load(sys.argv[1] + '/X.npy')))"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "proba.npy"), est.predict_proba(X))


def test_the_data_does_not_travel_along(make_clif, data):
    est = make_clif(batch_selector=None).fit(*data)
    X = np.random.default_rng(0).normal(size=(6000, 8))
    large = make_clif(batch_selector=None, max_epochs=1).fit(X, X[:, :4] > 0)
    assert len(pickle.dumps(large)) < 2 * len(pickle.dumps(est))


def test_unfitted(make_any, data):
    again = pickle.loads(pickle.dumps(make_any()))
    assert again.fit(*data).predict(data[0]).shape == (60, 4)


def test_save_and_load_params(make_clif, data, tmp_path):
    X, Y = data
    est = make_clif().fit(X, Y)
    files = {"f_params": tmp_path / "params.pt", "f_history": tmp_path / "history.json"}
    est.save_params(**files, f_optimizer=tmp_path / "optimizer.pt")
    new = make_clif(module__n_features=8, module__n_labels=4).initialize()
    new.load_params(**files, f_optimizer=tmp_path / "optimizer.pt")
    np.testing.assert_array_equal(new.predict_proba(X), est.predict_proba(X))
    np.testing.assert_array_equal(new.predict(X), est.predict(X))
    assert new.history[:, "train_loss"] == est.history[:, "train_loss"]


def test_sizes_are_asked_for_before_the_first_fit(make_any):
    with pytest.raises(ValueError, match="module__n_features"):
        make_any().initialize()


def test_trimmed_for_prediction(make_any, data):
    est = make_any().fit(*data)
    expected = est.predict_proba(data[0])
    assert est.trim_for_prediction() is est
    assert est.trim_for_prediction() is est
    np.testing.assert_array_equal(est.predict_proba(data[0]), expected)
