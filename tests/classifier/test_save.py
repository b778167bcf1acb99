"""Saving without pickle: the same estimator comes back, and no code from the file is run."""

import json
import subprocess
import sys
import zipfile
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load
from sklearn.exceptions import NotFittedError
from skorch.callbacks import EarlyStopping
from skorch.dataset import ValidSplit
from torch._dynamo import OptimizedModule

from skd2ace import CLIFClassifier, DELAClassifier, MultiLabelNetClassifier
from skd2ace.networks import CLIF
from skd2ace.selection import D2ACE, HardImb, MLUnc
from skd2ace.training import BestEpoch, Checkpointing, LinearWarmup


def own(est, mlp):
    """What loading needs of the user: the module of an estimator that has one of his own."""
    return {"module": mlp} if type(est) is MultiLabelNetClassifier else {}


def test_round_trip(make_any, mlp, data, tmp_path, assert_same):
    X, Y = data
    est = make_any().fit(X, Y)
    est.save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", **own(est, mlp))
    assert_same(again, est, X)
    assert repr(again) == repr(est)
    assert again.history == est.history


@pytest.mark.parametrize("name", ["mlp", "clif", "dela", "paca", "mpvae", "c2ae"])
def test_training_goes_on_to_the_same_bits(request, name, mlp, data, tmp_path, assert_same):
    X, Y = data
    est = request.getfixturevalue("make" if name == "mlp" else f"make_{name}")().fit(X, Y)
    est.save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", **own(est, mlp))
    assert_same(again.partial_fit(X, Y), est.partial_fit(X, Y), X)
    again.save(tmp_path / "est")
    assert_same(type(est).load(tmp_path / "est", **own(est, mlp)), est, X)


SETTINGS = {
    "tuned thresholds": {"threshold": "tune"},
    "thresholds": {"threshold": np.array([0.1, 0.2, 0.3, 0.4])},
    "list": {"threshold": [0.1, 0.2, 0.3, 0.4]},
    "no selector": {"batch_selector": None},
    "chain": {"batch_selector": HardImb(chain=True, warmup_epochs=1)},
    "callbacks": {"callbacks": [LinearWarmup(2), ("best", BestEpoch("valid_loss", True))]},
    "optimizer": {"optimizer": torch.optim.SGD, "optimizer__momentum": 0.5},
    "numpy numbers": {"lr": np.float64(0.02), "max_epochs": np.int64(3)},
    "no validation": {"train_split": None},
    "a column": {"threshold": pd.Series([0.1, 0.6, 0.3, 0.2]), "pos_weight": pd.Series([1.0] * 4)},
}


def shown(value):
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    if hasattr(value, "get_params") and not isinstance(value, type):
        return type(value), value.get_params()
    return value.tolist() if isinstance(value, (np.ndarray, pd.Series)) else value


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_come_back(make_clif, data, tmp_path, setting, assert_same):
    est = make_clif(**SETTINGS[setting]).fit(*data)
    est.save(tmp_path / "est")
    again = CLIFClassifier.load(tmp_path / "est")
    assert_same(again, est, data[0])
    for name, value in SETTINGS[setting].items():
        # Objects show their parameters, and numbers compare whatever type they have.
        assert shown(again.get_params(deep=False)[name]) == shown(value)


def test_thresholds_by_name_in_any_mapping(make, mlp, data, tmp_path):
    X, Y = data
    frame = pd.DataFrame(Y, columns=["a", "b", "c", "d"])
    est = make(threshold=defaultdict(float, {"a": 0.01, "c": 0.9})).fit(X, frame)
    est.save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", module=mlp)
    np.testing.assert_array_equal(again.predict(X), est.predict(X))


def test_names_and_classes(make, mlp, data, tmp_path, assert_same):
    X = pd.DataFrame(data[0], columns=list("abcdefgh"))
    y = np.where(data[1][:, 0], "yes", "no")
    est = make().fit(X, y)
    est.save(tmp_path / "est")
    again = MultiLabelNetClassifier.load(tmp_path / "est", module=mlp)
    assert_same(again, est, X)
    assert list(again.feature_names_in_) == list("abcdefgh")
    with pytest.raises(ValueError, match="feature names should match"):
        again.predict(X[list("hgfedcba")])


def test_trimmed(make_clif, data, tmp_path):
    est = make_clif().fit(*data)
    est.save(tmp_path / "whole")
    expected = est.predict_proba(data[0])
    est.trim_for_prediction()
    est.save(tmp_path / "est")
    again = CLIFClassifier.load(tmp_path / "est")
    np.testing.assert_array_equal(again.predict_proba(data[0]), expected)
    size = (tmp_path / "est").stat().st_size
    assert size < (tmp_path / "whole").stat().st_size / 3
    again.save(tmp_path / "again")
    assert (tmp_path / "again").stat().st_size == size


def test_another_process(make_clif, data, tmp_path):
    est = make_clif().fit(*data)
    est.save(tmp_path / "est")
    np.save(tmp_path / "X.npy", data[0])
    script = (
        "import sys, numpy as np, torch; torch.set_num_threads(1);"
        "from skd2ace import MultiLabelNetClassifier as C;"
        "est = C.load(sys.argv[1] + '/est');"
        "np.save(sys.argv[1] + '/proba.npy', est.predict_proba(np.load(sys.argv[1] + '/X.npy')))"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "proba.npy"), est.predict_proba(data[0]))


def test_the_format_is_open(make_clif, data, tmp_path):
    """Weights as any reader of safetensors finds them, all else as JSON."""
    est = make_clif().fit(*data)
    est.save(tmp_path / "est")
    with zipfile.ZipFile(tmp_path / "est") as archive:
        assert archive.namelist() == ["content.json", "tensors.safetensors"]
        head = json.loads(archive.read("content.json"))
        tensors = load(archive.read("tensors.safetensors"))
    assert (head["format"], head["version"], head["kind"]) == ("skd2ace", 1, "estimator")
    for name, weight in est.module_.state_dict().items():
        place = head["content"]["training"]["components"]["module"][name]["$tensor"]
        assert torch.equal(tensors[place], weight)


def test_without_the_gpu_it_was_trained_on(make_clif, data, tmp_path):
    est = make_clif().fit(*data)
    est.device = "cuda" if not torch.cuda.is_available() else "xla"
    est.save(tmp_path / "est")
    with pytest.warns(UserWarning, match="the CPU is taken"):
        again = CLIFClassifier.load(tmp_path / "est")
    assert again.device == "cpu"
    est.device = "cpu"
    np.testing.assert_array_equal(again.predict_proba(data[0]), est.predict_proba(data[0]))
    assert CLIFClassifier.load(tmp_path / "est", device="cpu").device == "cpu"


def test_a_module_of_ones_own_must_be_given(make, mlp, data, tmp_path):
    make().fit(*data).save(tmp_path / "est")
    with pytest.raises(ValueError, match=r"module=.*make_mlp: give.*load\(path, module=...\)"):
        MultiLabelNetClassifier.load(tmp_path / "est")
    with pytest.raises(ValueError, match="size mismatch"):
        MultiLabelNetClassifier.load(tmp_path / "est", module=mlp, module__hidden=7)
    with pytest.raises(ValueError, match="Missing key"):
        MultiLabelNetClassifier.load(tmp_path / "est", module=CLIF)


def test_code_of_ones_own_should_be_given(make_clif, data, tmp_path, assert_same):
    def params():
        return {"callbacks": [EarlyStopping(patience=9)], "train_split": ValidSplit(3)}

    est = make_clif(**params()).fit(*data)
    est.save(tmp_path / "est")
    again = CLIFClassifier.load(tmp_path / "est", **params())
    with pytest.warns(UserWarning, match="cannot hold train_split=skorch.*callbacks=.*the same"):
        other = CLIFClassifier.load(tmp_path / "est")
    np.testing.assert_array_equal(other.predict_proba(data[0]), est.predict_proba(data[0]))
    assert_same(again.partial_fit(*data), est.partial_fit(*data), data[0])


class OwnSGD(torch.optim.SGD):
    pass


def test_an_optimizer_of_ones_own(make_clif, data, tmp_path, assert_same):
    est = make_clif(optimizer=OwnSGD).fit(*data)
    est.save(tmp_path / "est")
    assert_same(CLIFClassifier.load(tmp_path / "est", optimizer=OwnSGD), est, data[0])
    with pytest.warns(UserWarning, match="OwnSGD"):
        again = CLIFClassifier.load(tmp_path / "est")
    np.testing.assert_array_equal(again.predict_proba(data[0]), est.predict_proba(data[0]))


def test_another_optimizer_or_rate_is_heeded(make_clif, data, tmp_path, assert_same):
    X, Y = data
    est = make_clif(callbacks=[]).fit(X, Y)
    est.save(tmp_path / "est")
    settings = {"lr": 0.5, "optimizer__weight_decay": 0.25}
    again = CLIFClassifier.load(tmp_path / "est", **settings)
    assert_same(again.partial_fit(X, Y), est.set_params(**settings).partial_fit(X, Y), X)
    assert again.optimizer_.param_groups[0]["weight_decay"] == 0.25
    with pytest.warns(UserWarning, match="from the weights alone"):
        other = CLIFClassifier.load(tmp_path / "est", optimizer=torch.optim.SGD)
    assert isinstance(other.partial_fit(X, Y).optimizer_, torch.optim.SGD)


def test_the_class_must_fit(make_clif, data, tmp_path):
    make_clif().fit(*data).save(tmp_path / "est")
    with pytest.raises(ValueError, match=r"a CLIFClassifier, which DELAClassifier\.load does not"):
        DELAClassifier.load(tmp_path / "est")


def test_a_selector_changed_after_the_fit(make_clif, data, tmp_path, assert_same):
    est = make_clif().fit(*data).set_params(batch_selector=MLUnc(warmup_epochs=1))
    est.save(tmp_path / "est")
    again = CLIFClassifier.load(tmp_path / "est")
    assert_same(again.partial_fit(*data), est.partial_fit(*data), data[0])


class Gated(torch.nn.Linear):
    def __init__(self, n_features, n_labels, gate=torch.relu):
        super().__init__(n_features, n_labels)
        self.gate = gate

    def forward(self, X):
        return self.gate(super().forward(X))


def test_code_that_has_a_say_in_predictions_must_be_given(make, data, tmp_path):
    est = make(module__gate=torch.tanh).set_params(module=Gated).fit(*data)
    for _ in range(2):
        est.save(tmp_path / "est")
        with pytest.raises(ValueError, match=r"load\(path, module=..., module__gate=...\)"):
            MultiLabelNetClassifier.load(tmp_path / "est")
        with pytest.raises(ValueError, match=r"load\(path, module__gate=...\)"):
            MultiLabelNetClassifier.load(tmp_path / "est", module=Gated)
        code = {"module": Gated, "module__gate": torch.tanh}
        again = MultiLabelNetClassifier.load(tmp_path / "est", **code)
        np.testing.assert_array_equal(again.predict_proba(data[0]), est.predict_proba(data[0]))
        est.trim_for_prediction()


def test_what_belongs_to_a_machine_is_left_there(make_clif, data, tmp_path):
    callbacks = [LinearWarmup(2), ("files", Checkpointing(tmp_path / "checkpoints"))]
    est = make_clif(callbacks=callbacks, torch_load_kwargs={"weights_only": True}).fit(*data)
    est.save(tmp_path / "est")
    again = CLIFClassifier.load(tmp_path / "est")
    assert again.torch_load_kwargs is None
    assert [type(callback) for callback in again.callbacks] == [LinearWarmup]


def test_settings_that_do_not_fit_the_weights(make_clif, data, tmp_path, assert_same):
    est = make_clif().fit(*data).set_params(module__hidden_size=12)
    with pytest.raises(ValueError, match="after the fit: fit again"):
        est.save(tmp_path / "est")
    est.fit(*data).save(tmp_path / "est")
    assert_same(CLIFClassifier.load(tmp_path / "est"), est, data[0])


def test_compiled(make_clif, data, tmp_path, monkeypatch, assert_same):
    """Wrapped as torch.compile wraps; to compile in earnest takes half a minute."""

    def wrap(part, **options):
        return OptimizedModule(part, lambda f: f) if isinstance(part, torch.nn.Module) else part

    monkeypatch.setattr(torch, "compile", wrap)
    est = make_clif(compile=True).fit(*data)
    assert isinstance(est.module_, OptimizedModule)
    est.save(tmp_path / "est")
    plain = CLIFClassifier.load(tmp_path / "est")
    compiled = CLIFClassifier.load(tmp_path / "est", compile=True)
    assert isinstance(compiled.module_, OptimizedModule)
    for again in (plain, compiled):
        assert_same(again.partial_fit(*data), make_clif().fit(*data).partial_fit(*data), data[0])


def test_unfitted(make_clif, tmp_path):
    with pytest.raises(NotFittedError):
        make_clif().save(tmp_path / "est")
    assert list(tmp_path.iterdir()) == []


def test_settings_of_d2ace(make_clif, data, tmp_path):
    est = make_clif(batch_selector=D2ACE.reference(warmup_epochs=1, mix_epochs=(1, 3))).fit(*data)
    est.save(tmp_path / "est")
    assert repr(CLIFClassifier.load(tmp_path / "est").batch_selector) == repr(est.batch_selector)
