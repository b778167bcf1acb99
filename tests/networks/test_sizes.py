"""Sizes of every network: those that make no network are named, numpy's are as good as Python's."""

import inspect
from collections.abc import Sequence
from typing import get_type_hints

import numpy as np
import pytest
from torch import nn

import skd2ace.networks

NETWORKS = [
    cls
    for name in skd2ace.networks.__all__
    if inspect.isclass(cls := getattr(skd2ace.networks, name)) and issubclass(cls, nn.Module)
    # Losses are none, and heads of backbones have tests of their own.
    if "n_features" in inspect.signature(cls).parameters
]


def parameters(*kinds):
    """Parameters of all networks that are typed as one of these."""
    return [
        (network, name)
        for network in NETWORKS
        for name, hint in get_type_hints(network.__init__).items()
        if hint in kinds
    ]


WHOLE, PAIRS = parameters(int, int | None), parameters(Sequence[int])


def may_be_none(network, name):
    return get_type_hints(network.__init__)[name] == int | None


@pytest.mark.parametrize(("network", "name"), WHOLE)
@pytest.mark.parametrize("wrong", [0, -1, 2.5, "4", (3,), np.float32(2), np.nan, None])
def test_sizes_are_positive_integers(network, name, wrong):
    if wrong is None and may_be_none(network, name):
        network(**{"n_features": 5, "n_labels": 3, name: None})
        return
    message = rf"'{name}' parameter of {network.__name__} must be an int in .*\. Got"
    with pytest.raises(ValueError, match=message):
        network(**{"n_features": 5, "n_labels": 3, name: wrong})


@pytest.mark.parametrize(("network", "name"), PAIRS)
@pytest.mark.parametrize("wrong", [(2, 3, 4), (2,), (2, 0), (2, np.inf), 5, "ab", None])
def test_pairs_of_sizes(network, name, wrong):
    message = rf"'{name}' parameter of {network.__name__} must be a pair of .* int .*\. Got"
    with pytest.raises(ValueError, match=message):
        network(**{"n_features": 5, "n_labels": 3, name: wrong})


@pytest.mark.parametrize(("network", "name"), WHOLE + PAIRS)
@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.int64])
def test_integers_of_numpys(network, name, kind):
    def shapes(value):
        made = network(**{"n_features": 5, "n_labels": 3, name: value})
        return {key: tensor.shape for key, tensor in made.state_dict().items()}

    sizes = [kind(2), kind(3)] if (network, name) in PAIRS else kind(2)
    assert shapes(sizes) == shapes([2, 3] if (network, name) in PAIRS else 2)
