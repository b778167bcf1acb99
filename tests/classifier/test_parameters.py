"""Nested parameters work everywhere, and mistakes are named."""

from functools import partial

import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import EarlyStopping

from skd2ace import CLIFClassifier, MultiLabelNetClassifier
from skd2ace.selection import D2ACE, RandomBatches
from skd2ace.training import BatchSelection


def test_selector_parameters_before_and_after_fit(make_two, data):
    est = make_two()
    assert est.get_params()["batch_selector__n_neighbors"] == 3
    for fitted in (False, True):
        assert est.set_params(batch_selector__n_neighbors=5) is est
        assert est.get_params()["batch_selector__n_neighbors"] == 5
        assert est.batch_selector.n_neighbors == 5
        if not fitted:
            est.fit(*data)
    assert est.fit(*data).batch_selector_.n_neighbors == 5


def test_swapping_and_tuning_in_one_call(make_two):
    est = make_two(batch_selector=None)
    est.set_params(batch_selector__n_neighbors=7, batch_selector=D2ACE(pressure=2.0))
    assert (est.batch_selector.n_neighbors, est.batch_selector.pressure) == (7, 2.0)


def test_the_selector_given_is_left_alone(make_two, data):
    selector = D2ACE(warmup_epochs=1)
    before = dict(vars(selector))
    est = make_two(batch_selector=selector).fit(*data)
    assert est.batch_selector is selector
    assert vars(selector) == before
    assert est.batch_selector_ is not selector
    assert hasattr(est.batch_selector_, "history_")
    copy = clone(est)
    assert copy.batch_selector is not selector
    assert not hasattr(copy, "batch_selector_")


def test_no_selector_shuffles(make_two, data):
    est = make_two(batch_selector=None).fit(*data)
    assert isinstance(est.batch_selector_, RandomBatches)


def test_clone_of_everything(make_two, data):
    est = make_two(
        callbacks__print_log=None, optimizer__eps=1e-7, dataset__placement="host", threshold="tune"
    )
    copy = clone(clone(est).fit(*data))
    assert copy.get_params(deep=False).keys() == est.get_params(deep=False).keys()
    assert copy.get_params()["optimizer__eps"] == 1e-7
    assert copy.get_params()["dataset__placement"] == "host"


def test_the_names_are_those_of_the_constructor():
    names = CLIFClassifier().get_params(deep=False)
    assert "module" not in names
    assert "criterion" not in names
    assert not [name for name in names if name.startswith("_") or name.endswith("_")]
    assert repr(CLIFClassifier(lr=0.5, batch_selector=D2ACE(window=3))) == (
        "CLIFClassifier(batch_selector=D2ACE(window=3), lr=0.5)"
    )


@pytest.mark.parametrize("fitted", [False, True])
def test_misspelt_selector_parameter(make_two, data, fitted):
    est = make_two()
    if fitted:
        est.fit(*data)
    with pytest.raises(ValueError, match="n_neighbours"):
        est.set_params(batch_selector__n_neighbours=3)
    est.set_params(batch_selector=None)
    with pytest.raises(ValueError, match="n_neighbors"):
        est.set_params(batch_selector__n_neighbors=3)


MISSPELT = [
    "lrr",
    "modul__hidden_size",
    "module__hiden",
    "optimizer__momentm",
    "optimizer___eps",
    "criterion__pos_wieght",
    "iterator_train__bach_size",
    "iterator_valid__shuffle",
    "dataset__placment",
    "callbacks__prnt_log",
    "callbacks__foo__bar",
    "callbacks__best_epoch__montor",
]


def test_the_nonlinearity_is_not_a_parameter(make_two):
    with pytest.raises(TypeError, match="predict_nonlinearity"):
        make_two(predict_nonlinearity=None)


@pytest.mark.parametrize("name", MISSPELT)
def test_misspelt_in_the_constructor(make_two, data, name):
    est = make_two(**{name: 1})
    with pytest.raises((ValueError, TypeError), match=name.split("__")[-1]):
        est.fit(*data)
    with pytest.raises((ValueError, TypeError), match=name.split("__")[-1]):
        clone(est).fit(*data)
    assert not hasattr(est, "module_")


@pytest.mark.parametrize("name", MISSPELT)
@pytest.mark.parametrize("fitted", [False, True])
def test_misspelt_in_set_params(make_two, data, name, fitted):
    est = make_two()
    if fitted:
        est.fit(*data)

    def set_and_fit():
        est.set_params(**{name: 1})
        est.fit(*data)

    with pytest.raises((ValueError, TypeError), match=name.split("__")[-1]):
        set_and_fit()


@pytest.mark.parametrize(
    "params",
    [
        {"max_epochs": 0},
        {"batch_size": 0},
        {"batch_size": -2},
        {"lr": 0.0},
        {"threshold": 1.5},
        {"threshold": "tuned"},
        {"train_split": 1.0},
        {"batch_selector": D2ACE},
        {"batch_selector": "d2ace"},
        {"random_state": "zero"},
        {"use_caching": 3},
    ],
    ids=str,
)
def test_impossible_values(make_two, data, params):
    (name,) = params
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        make_two(**params).fit(*data)


@pytest.mark.parametrize(
    "criterion", [torch.nn.BCELoss, torch.nn.BCELoss(), partial(torch.nn.BCELoss)]
)
def test_a_loss_of_probabilities(make, data, criterion):
    with pytest.raises(ValueError, match="logits: leave out its sigmoid"):
        make(criterion=criterion).fit(*data)
    est = make().fit(*data).set_params(criterion=criterion)
    with pytest.raises(ValueError, match="logits: leave out its sigmoid"):
        est.partial_fit(*data)


def with_sigmoid(n_features, n_labels):
    return torch.nn.Sequential(torch.nn.Linear(n_features, n_labels), torch.nn.Sigmoid())


def test_a_sigmoid_at_the_end(make, data):
    est = make().set_params(module=with_sigmoid)
    with pytest.warns(UserWarning, match="must give logits"):
        est.fit(*data)
    assert est.predict(data[0]).all(), "what the warning is for"


def test_a_selector_class_is_no_selector(make_two, data):
    est = make_two(batch_selector=D2ACE)
    with pytest.raises(ValueError, match=r"BatchSelector or None, .* an instance, D2ACE\(\)"):
        est.fit(*data)


def test_impossible_selector_values(make_two, data):
    with pytest.raises(ValueError, match="The 'window' parameter of D2ACE"):
        make_two(batch_selector=D2ACE(window=0)).fit(*data)


def test_default_callbacks_can_be_replaced_and_left_out(make_two, data):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=1e9, sink=lambda _: None)
    est = make_two(callbacks=[("stop", stop)], callbacks__best_epoch=None, max_epochs=50)
    est.fit(*data)
    assert len(est.history) < 50
    assert "best_epoch" not in [name for name, callback in est.callbacks_ if callback]


def test_disabled_callbacks(make_two, data):
    with pytest.raises(ValueError, match="there are 0"):
        make_two(callbacks="disable").fit(*data)


def test_two_bridges_are_refused(make_two, data):
    with pytest.raises(ValueError, match="there are 2"):
        make_two(callbacks=[BatchSelection(D2ACE())]).fit(*data)
    est = make_two(callbacks__batch_selection=BatchSelection(D2ACE(window=7))).fit(*data)
    assert est.batch_selector_.window == 7


def test_a_failed_initialisation_is_none(make_two):
    est = make_two(module__n_features=8, module__n_labels=4, callbacks="disable")
    with pytest.raises(ValueError, match="there are 0"):
        est.initialize()
    assert not est.initialized_


def test_settings_of_the_paper():
    est = CLIFClassifier()
    assert (est.lr, est.optimizer__weight_decay, est.batch_size, est.max_epochs) == (
        1e-4,
        1e-4,
        128,
        100,
    )
    assert est.optimizer is torch.optim.Adam
    assert dict(est._default_callbacks)["lr_warmup"].epochs == 10


class Patient(MultiLabelNetClassifier):
    """A subclass with a parameter of its own, as scikit-learn's conventions have it."""

    def __init__(self, module, *, patience=3, **kwargs):
        super().__init__(module, **kwargs)
        self.patience = patience


def test_a_parameter_of_a_subclass(mlp, data):
    est = Patient(mlp, patience=5, max_epochs=1, verbose=0)
    assert clone(est).get_params()["patience"] == 5
    assert est.set_params(patience=2).fit(*data).patience == 2
    with pytest.raises(ValueError, match="Patient has no parameter 'patients'"):
        Patient(mlp, patients=5, verbose=0).fit(*data)
