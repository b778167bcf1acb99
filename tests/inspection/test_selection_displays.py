"""Displays of a recorded selector hold the right numbers and show them."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from sklearn.datasets import make_multilabel_classification

from skd2ace import MultiLabelNetClassifier
from skd2ace.inspection import SelectionDecilesDisplay, SelectionDisplay
from skd2ace.networks import MLP
from skd2ace.selection import D2ACE, HardImb, RandomBatches
from skd2ace.training import SelectionEpoch, SelectionRecorder


def make_recorder(*epochs):
    recorder = SelectionRecorder().initialize()
    recorder.epochs_ += epochs
    return recorder


def make_epoch(epoch, probabilities, draws=None, losses=None, **mixture):
    n = 20
    draws = np.ones(n, np.int32) if draws is None else np.asarray(draws, np.int32)
    losses = np.full(n, np.nan) if losses is None else np.asarray(losses, float)
    return SelectionEpoch(epoch, draws, probabilities, losses.astype(np.float32), **mixture)


RISING = (np.arange(1, 21) / 210).astype(np.float32)


@pytest.fixture(params=[D2ACE(), HardImb(), RandomBatches()])
def fitted(request):
    X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    return MultiLabelNetClassifier(
        MLP, batch_selector=request.param, callbacks=[SelectionRecorder()], max_epochs=5,
        train_split=None, random_state=0, verbose=0,
    ).fit(X, Y)  # fmt: skip


def test_of_a_fit(fitted):
    display = SelectionDisplay.from_estimator(fitted)
    epochs = dict(fitted.callbacks_)["SelectionRecorder"].epochs_
    assert display.epochs.tolist() == [1, 2, 3, 4, 5]
    for row, drawn, epoch in zip(display.quantiles, display.drawn, epochs, strict=True):
        known = np.ones(60) if epoch.probabilities is None else 60 * epoch.probabilities
        np.testing.assert_allclose(
            row, np.percentile(known, [0, 10, 25, 50, 75, 90, 100]), rtol=1e-5
        )
        assert drawn[0] == pytest.approx((epoch.draws == 0).mean())
        assert drawn[4] == pytest.approx((epoch.draws > 3).mean())
        assert drawn.sum() == pytest.approx(1)
    is_mixed = isinstance(fitted.batch_selector, D2ACE)
    display.plot()
    assert len(display.axes_) == 2 + is_mixed
    median = display.axes_[0].lines[0]
    np.testing.assert_array_equal(median.get_ydata(), display.quantiles[:, 3])
    plt.close(display.figure_)


def test_drawn_in_ones_own_axes():
    recorder = make_recorder(make_epoch(1, None), make_epoch(2, RISING, draws=[2, 0] * 10))
    figure, axes = plt.subplots(2)
    display = SelectionDisplay.from_recorder(recorder).plot(axes)
    assert display.figure_ is figure
    np.testing.assert_array_equal(display.drawn, [[0, 1, 0, 0, 0], [0.5, 0, 0.5, 0, 0]])
    with pytest.raises(ValueError, match="2 axes, got 1"):
        display.plot(axes[:1])
    plt.close(figure)


def test_without_a_recorder():
    with pytest.raises(ValueError, match=r"not fitted with a recorder.*SelectionRecorder"):
        SelectionDisplay.from_estimator(MultiLabelNetClassifier(MLP))


def test_deciles_by_hand():
    """Probabilities rise with the row, and the value is high in even rows."""
    display = SelectionDecilesDisplay.from_recorder(
        make_recorder(make_epoch(3, RISING)), np.arange(20) % 2 == 0, epoch=3, n_tiers=2
    )
    np.testing.assert_array_equal(display.shares, np.full((10, 2), 0.5))
    display = SelectionDecilesDisplay.from_recorder(
        make_recorder(make_epoch(3, RISING)), np.arange(20), epoch=3, n_tiers=4
    )
    # Rows 19 and 18 are the first decile; tiers are of five rows.
    expected = np.zeros((10, 4))
    for decile in range(10):
        for row in (19 - 2 * decile, 18 - 2 * decile):
            expected[decile, row // 5] += 0.5
    np.testing.assert_array_equal(display.shares, expected)
    display.plot()
    heights = [bar.get_height() for bar in display.ax_.containers[3]]
    assert heights == pytest.approx(expected[:, 3])
    names = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert names == ["4 of 4", "3 of 4", "2 of 4", "1 of 4"]
    plt.close(display.figure_)


def test_deciles_by_the_losses_seen_last():
    early = np.arange(20.0)
    late = np.where(np.arange(20) < 5, 100 + early, np.nan)  # the others were not drawn again
    recorder = make_recorder(
        make_epoch(1, None, losses=early), make_epoch(2, RISING[::-1].copy(), losses=late)
    )
    display = SelectionDecilesDisplay.from_recorder(recorder, epoch=2, n_tiers=2)
    # Rows 0 and 1 have the highest probabilities and, since epoch 2, high losses.
    np.testing.assert_array_equal(display.shares[0], [0, 1])
    np.testing.assert_array_equal(display.shares[3], [1, 0])
    known = SelectionDecilesDisplay.from_recorder(
        recorder, [*range(15, 20), *range(15)], epoch=2, n_tiers=2
    )
    np.testing.assert_array_equal(display.shares, known.shares)


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        (None, {"epoch": 3}, "20 finite numbers"),
        (np.ones(19), {"epoch": 3}, r"got the shape \(19,\)"),
        (np.full(20, np.inf), {"epoch": 3}, "0 of them finite"),
        (np.ones(20), {"epoch": 1}, r"epoch=1 is not among .* \[3\]"),
        (np.ones(20), {"epoch": 4}, r"epoch=4 is not among .* \[3\]"),
        (np.ones(20), {"epoch": 9}, "epoch=9"),
        (np.ones(20), {"epoch": 3, "n_tiers": 21}, "n_tiers=21"),
        (np.ones(20), {"epoch": 3, "n_tiers": 0}, "n_tiers=0"),
    ],
)
def test_what_deciles_cannot_show(values, settings, message):
    even = np.full(20, 1 / 20, np.float32)
    recorder = make_recorder(make_epoch(1, None), make_epoch(3, RISING), make_epoch(4, even))
    with pytest.raises(ValueError, match=message):
        SelectionDecilesDisplay.from_recorder(recorder, values, **settings)


def test_hard_imb_prefers_high_losses():
    """What Figure 1 shows: the hard instances are in the first deciles."""
    X = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    Y, losses = torch.ones(200, 2), torch.linspace(0, 3, 200)[:, None].expand(-1, 2)
    Y[::2, 1] = 0
    selector, recorder = HardImb(warmup_epochs=0), SelectionRecorder()
    selector.start(X, Y, n_epochs=10, batch_size=50, random_state=0)
    for epoch in range(2):
        for _ in recorder.follow(selector, epoch):
            pass
        selector.update(torch.arange(200), (-losses).exp(), losses)
    display = SelectionDecilesDisplay.from_recorder(recorder, losses[:, 0], epoch=2)
    assert display.shares[0, 2] > 0.6
    assert display.shares[9, 2] < 0.1
