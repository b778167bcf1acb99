"""Sizes that make no network are named."""

import pytest

from skd2ace.networks import CLIF, DELA, PACA


@pytest.mark.parametrize(
    ("network", "name"),
    [(network, name) for network in (CLIF, DELA, PACA) for name in ("n_features", "n_labels")]
    + [(CLIF, "embedding_size"), (CLIF, "hidden_size")]
    + [(DELA, "latent_size"), (DELA, "n_samples"), (PACA, "latent_size"), (PACA, "hidden_units")],
)
@pytest.mark.parametrize("wrong", [0, -1, 2.5, "4", (3,), None])
def test_sizes_are_positive_integers(network, name, wrong):
    if name == "latent_size" and wrong is None:
        return  # Half of the features.
    with pytest.raises(
        ValueError, match=rf"'{name}' parameter of {network.__name__} must be an int in .*\. Got"
    ):
        network(**{"n_features": 5, "n_labels": 3, name: wrong})


@pytest.mark.parametrize("network", [DELA, PACA])
@pytest.mark.parametrize("wrong", [(2, 3, 4), (2,), (2, 0), 5, "ab"])
def test_hidden_sizes_are_a_pair(network, wrong):
    with pytest.raises(
        ValueError, match=r"'hidden_sizes' parameter .* must be a pair of .* int .*\. Got"
    ):
        network(5, 3, hidden_sizes=wrong)


@pytest.mark.parametrize("network", [DELA, PACA])
def test_sizes_that_are_fine(network):
    network(5, 3, latent_size=None, hidden_sizes=[2, 3])
