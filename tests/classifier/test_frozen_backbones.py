"""What a frozen backbone is after the fit: the one that its features were computed by."""

import pickle
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from skd2ace import ImageClassifier
from skd2ace.datasets import make_digits_mosaics
from skd2ace.networks import MLDecoder

SMALL = {"embedding_size": 8, "feedforward_size": 8}


def backbone():
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU())


def make(head="linear", body=backbone, **params):
    defaults = {"lr": 5e-3, "batch_size": 32, "max_epochs": 2, "random_state": 0, "verbose": 0}
    return ImageClassifier(body, head, **{**defaults, **params})


@pytest.fixture(scope="module")
def images():
    return make_digits_mosaics(60, return_X_y=True)


class Cut(Callback):
    """Raises in an epoch, counted from 1."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise RuntimeError("cut off")


@pytest.mark.parametrize("head", ["linear", partial(MLDecoder, n_heads=2, **SMALL)])
def test_a_frozen_backbone_is_that_of_the_fit(images, head):
    """Whatever becomes of the parameters, and of the module that was given, after it."""
    X, Y = images
    bodies = [backbone() for _ in range(3)]
    est = make(head, body=bodies[0], frozen=True).fit(X, Y)
    proba, score = est.predict_proba(X), est.score(X, Y)

    def check():
        for one in (est, pickle.loads(pickle.dumps(est)), deepcopy(est)):
            np.testing.assert_array_equal(one.predict_proba(X), proba)
            assert one.score(X, Y) == score

    with torch.no_grad():
        bodies[0][0].weight *= 3
    check()
    est.set_params(backbone=bodies[1], head="hst")
    check()
    est.set_params(frozen=False)
    check()
    est.set_params(frozen=True, head=head, callbacks=[("cut", Cut(epoch=2))])
    with pytest.raises(RuntimeError, match="cut off"):
        est.fit(X, Y)
    check()
    expected = make(head, body=bodies[1], frozen=True).fit(X, Y).predict_proba(X)
    est.set_params(callbacks=None)
    np.testing.assert_array_equal(est.partial_fit(X, Y).predict_proba(X), expected)


def test_a_fit_of_a_backbone_that_learns_is_not_frozen_after_it(images):
    X, Y = images
    est = make().fit(X, Y)
    proba, score = est.predict_proba(X), est.score(X, Y)
    est.set_params(frozen=True)
    np.testing.assert_array_equal(est.predict_proba(X), proba)
    assert est.score(X, Y) == score
    est.fit(X, Y)
    assert not list(est.module_.backbone.parameters())


def test_a_frozen_backbone_that_sizes_itself_is_drawn_once(images, tmp_path):
    """And not by the global generators."""
    X, Y = images

    def lazy():
        return nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU())

    state = torch.get_rng_state()
    est = make(body=lazy, frozen=True).fit(X, Y)
    proba = est.predict_proba(X)
    np.testing.assert_array_equal(est.predict_proba(X), proba)
    assert torch.equal(torch.get_rng_state(), state)
    given = make(body=lazy(), frozen=True, cache_dir=tmp_path).fit(X, Y)
    np.testing.assert_array_equal(given.predict_proba(X), proba)
    sized = make(body=est.features_.backbone_, frozen=True).fit(X, Y)
    np.testing.assert_array_equal(sized.predict_proba(X), proba)
    est.save(tmp_path / "est")
    loaded = ImageClassifier.load(tmp_path / "est", backbone=lazy)
    np.testing.assert_array_equal(loaded.predict_proba(X), proba)


def test_a_file_wants_the_frozen_backbone_that_it_was_fitted_with(images, tmp_path):
    X, Y = images
    body = backbone()
    est = make(body=body, frozen=True).fit(X, Y)
    est.save(tmp_path / "est")
    for given in (body, deepcopy(body), lambda: body):
        loaded = ImageClassifier.load(tmp_path / "est", backbone=given)
        np.testing.assert_array_equal(loaded.predict_proba(X), est.predict_proba(X))
    with pytest.raises(ValueError, match="frozen has other weights than the one it was fitted"):
        ImageClassifier.load(tmp_path / "est", backbone=backbone())
