"""The constructor's parameters stand once, and every class shows them all."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone

import skd2ace
from skd2ace import CLIFClassifier, MultiLabelNetClassifier
from skd2ace.classifier._published import PublishedNetClassifier

PUBLIC = [getattr(skd2ace, name) for name in skd2ace.__all__]
PUBLISHED = [cls for cls in PUBLIC if issubclass(cls, PublishedNetClassifier)]
OTHERS_HERE = {"lr": 1e-4, "optimizer__weight_decay": 1e-4}
# Of networks that the D2ACE paper does not have.
OWN = {"MPVAEClassifier": {"lr": 1e-3}, "C2AEClassifier": {"lr": 1e-3}}


@pytest.mark.parametrize("cls", PUBLISHED)
def test_published_classifiers_show_all_parameters(cls):
    general = inspect.signature(MultiLabelNetClassifier).parameters
    others = OTHERS_HERE | OWN.get(cls.__name__, {})
    shown = inspect.signature(cls).parameters
    assert set(shown) == set(general) - {"module", "criterion"} | OTHERS_HERE.keys()
    for name, parameter in shown.items():
        expected = others.get(name, getattr(general.get(name), "default", None))
        assert parameter.default == expected
        if parameter.kind is not parameter.VAR_KEYWORD:
            assert parameter.kind is parameter.KEYWORD_ONLY
            assert getattr(cls(), name) == parameter.default


@pytest.mark.parametrize("cls", PUBLISHED)
def test_the_repr_shows_what_is_no_default(cls):
    lr = (OTHERS_HERE | OWN.get(cls.__name__, {}))["lr"]
    assert repr(cls()) == f"{cls.__name__}()"
    assert repr(cls(lr=lr, max_epochs=100)) == f"{cls.__name__}()"
    assert repr(cls(lr=1e-2)) == f"{cls.__name__}(lr=0.01)"
    assert repr(clone(cls(max_epochs=7))) == f"{cls.__name__}(max_epochs=7)"


def test_positional_parameters_are_refused():
    with pytest.raises(TypeError):
        CLIFClassifier("module")


class Short(PublishedNetClassifier):
    """A subclass of a user's, with a constructor of its own."""

    def __init__(self, max_epochs=2, **parameters):
        super().__init__(max_epochs=max_epochs, **parameters)

    _network = CLIFClassifier._network


def test_a_subclass_may_have_its_own_constructor(data):
    est = Short(random_state=0, verbose=0, module__hidden_size=8).fit(*data)
    assert len(est.history) == 2
    assert clone(est).get_params()["max_epochs"] == 2
    assert est.get_params()["lr"] == 1e-4


def test_numpy_integers_are_integers(make, data):
    numbers = {"batch_size": np.int64(16), "max_epochs": np.int32(3)}
    est = make(**numbers).fit(*data)
    plain = make(batch_size=16, max_epochs=3).fit(*data)
    np.testing.assert_array_equal(est.predict_proba(data[0]), plain.predict_proba(data[0]))
