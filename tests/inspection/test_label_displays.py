"""Displays of labels hold the numbers of their formulas and show them under the labels' names."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from matplotlib import pyplot as plt
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics.pairwise import cosine_similarity

from skd2ace import CLIFClassifier, MultiLabelNetClassifier
from skd2ace.inspection import (
    LabelCorrelationDisplay,
    LabelEmbeddingDisplay,
    LabelWeightsDisplay,
)
from skd2ace.networks import MLP
from skd2ace.selection import D2ACE, HardImb
from skd2ace.training import SelectionEpoch, SelectionRecorder

NAMES = ["bird", "call", "<drum>", "$echo$"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    X, Y = make_multilabel_classification(n_samples=60, n_classes=4, random_state=0)
    return X.astype(np.float32), pd.DataFrame(Y, columns=NAMES)


@pytest.fixture(scope="module")
def fitted(data):
    return CLIFClassifier(
        batch_selector=D2ACE(), callbacks=[SelectionRecorder()], max_epochs=6, random_state=0,
        module__hidden_size=16, verbose=0,
    ).fit(*data)  # fmt: skip


def read_labels(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def make_recorder(*weights):
    recorder = SelectionRecorder().initialize()
    for epoch, of_labels in enumerate(weights):
        draws, losses = np.ones(3, np.int32), np.zeros(3, np.float32)
        recorder.epochs_.append(
            SelectionEpoch(epoch + 1, draws, None, losses, label_weights=of_labels)
        )
    return recorder


def test_weights_of_a_fit(fitted):
    display = LabelWeightsDisplay.from_estimator(fitted).plot()
    epochs = dict(fitted.callbacks_)["SelectionRecorder"].epochs_
    assert display.epochs.tolist() == [2, 3, 4, 5, 6]
    for metric, weights in display.weights.items():
        np.testing.assert_array_equal(
            weights, [epoch.label_weights[metric] for epoch in epochs[1:]]
        )
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["uncertainty", "hardness"]
    assert sorted(read_labels(display.axes_[0].yaxis)) == sorted(NAMES)


def test_weights_are_drawn_over_their_mean_the_greatest_on_top():
    recorder = make_recorder(
        {}, {"hardness": np.array([1.0, 3.0])}, {"hardness": np.array([2.0, 2.0])}
    )
    display = LabelWeightsDisplay.from_recorder(recorder, label_names=["low", "high"]).plot()
    (ax,) = display.axes_
    np.testing.assert_array_equal(ax.images[0].get_array(), [[1.5, 1], [0.5, 1]])
    assert read_labels(ax.yaxis) == ["high", "low"]
    assert ax.images[0].get_extent()[:2] == [1.5, 3.5]


def test_a_metric_without_a_part_has_no_weights():
    recorder = make_recorder(
        {"uncertainty": np.ones(2)}, {"uncertainty": np.ones(2), "hardness": np.ones(2)}
    )
    display = LabelWeightsDisplay.from_recorder(recorder)
    assert np.isnan(display.weights["hardness"]).tolist() == [[True, True], [False, False]]
    display.plot().figure_.draw_without_rendering()


def test_no_weights_are_said_to_be_missing(data):
    est = MultiLabelNetClassifier(
        MLP, batch_selector=HardImb(), callbacks=[SelectionRecorder()], max_epochs=2, verbose=0
    ).fit(*data)
    with pytest.raises(ValueError, match="only D2ACE has some"):
        LabelWeightsDisplay.from_estimator(est)
    with pytest.raises(ValueError, match="not fitted with a recorder"):
        LabelWeightsDisplay.from_estimator(MultiLabelNetClassifier(MLP))


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, pd.DataFrame])
def test_correlation_of_labels(data, container):
    Y = data[1].to_numpy()
    display = LabelCorrelationDisplay.from_labels(container(Y), label_names=NAMES).plot()
    np.testing.assert_allclose(display.correlation, cosine_similarity(Y.T), atol=1e-12)
    shown = display.ax_.images[0].get_array()
    assert np.ma.getmaskarray(shown).diagonal().all()
    between = ~np.eye(4, dtype=bool)
    np.testing.assert_array_equal(shown[between], display.correlation[between])
    assert read_labels(display.ax_.xaxis) == read_labels(display.ax_.yaxis) == NAMES


@pytest.mark.parametrize("metric", ["uncertainty", "hardness"])
def test_correlation_of_a_fit(fitted, data, metric):
    selector = fitted.batch_selector_
    Y = data[1].to_numpy()[fitted.train_indices_]
    if metric == "hardness":
        scores = selector.losses_ * (1 - selector.flip_rate_)
    else:
        history = selector.history_.double()
        p = history[-1].clamp(1e-12, 1 - 1e-12)
        entropy = -(p * p.log2() + (1 - p) * (1 - p).log2())
        scores = 0.5 * entropy + 0.5 * history.diff(dim=0).abs().nanmean(0).nan_to_num()
    display = LabelCorrelationDisplay.from_estimator(fitted, metric=metric)
    expected = cosine_similarity((scores.numpy() * Y).T)
    np.testing.assert_allclose(display.correlation, expected, atol=1e-5)
    assert display.label_names == NAMES


def test_labels_that_never_or_always_meet():
    """A label without ones, one label alone, and many labels, whose names would be too small."""
    lonely = LabelCorrelationDisplay.from_labels([[1, 0], [1, 0]]).plot()
    assert lonely.correlation.tolist() == [[1, 0], [0, 0]]
    assert LabelCorrelationDisplay.from_labels([[1], [0]]).plot().correlation.tolist() == [[1]]
    many = LabelCorrelationDisplay.from_labels(np.eye(174)).plot()
    assert many.ax_.get_ylabel() == "174 labels"
    assert not read_labels(many.ax_.yaxis)


def test_correlation_that_is_not_there(data):
    plain = MultiLabelNetClassifier(MLP, max_epochs=1, verbose=0).fit(*data)
    with pytest.raises(ValueError, match="Only D2ACE correlates labels"):
        LabelCorrelationDisplay.from_estimator(plain)
    with pytest.raises(ValueError, match="not fitted"):
        LabelCorrelationDisplay.from_estimator(CLIFClassifier(batch_selector=D2ACE()))
    with pytest.raises(ValueError, match="metric must be"):
        LabelCorrelationDisplay.from_estimator(plain, metric="loss")


def test_the_map_keeps_what_two_components_can(fitted):
    """Against the singular values of the centred embeddings of length 1."""
    display = LabelEmbeddingDisplay.from_estimator(fitted).plot()
    network = fitted.module_.eval()
    with torch.no_grad():
        unit = torch.nn.functional.normalize(network.embed_labels().double())
    centred = unit - unit.mean(0)
    singular = torch.linalg.svdvals(centred)
    np.testing.assert_allclose(np.linalg.norm(display.positions, axis=0), singular[:2], rtol=1e-5)
    shares = singular.square() / singular.square().sum()
    np.testing.assert_allclose(display.explained, shares[:2], rtol=1e-5)
    np.testing.assert_array_equal(display.ax_.lines[-1].get_xydata(), display.positions)
    assert {text.get_text() for text in display.ax_.texts} == set(NAMES)
    named = LabelEmbeddingDisplay.from_estimator(fitted).plot(max_names=1)
    farthest = np.linalg.norm(display.positions, axis=1).argmax()
    assert [text.get_text() for text in named.ax_.texts] == [NAMES[farthest]]


def test_no_map(data):
    with pytest.raises(ValueError, match="no network that embeds labels"):
        LabelEmbeddingDisplay.from_estimator(CLIFClassifier())
    one = CLIFClassifier(max_epochs=1, module__hidden_size=8, verbose=0)
    one.fit(data[0], data[1]["bird"])
    with pytest.raises(ValueError, match="two labels at least"):
        LabelEmbeddingDisplay.from_estimator(one)
