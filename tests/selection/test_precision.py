"""What rounding may do to a selector: ties, saturated predictions, deterministic algorithms."""

import math
import runpy
from pathlib import Path

import pytest
import torch
from sklearn.base import clone
from torch.nn.functional import binary_cross_entropy_with_logits

from skd2ace.selection import MLROS, RepeatFactor

N, Q, BATCH_SIZE = 300, 6, 32
# Of a run this long only the beginning is served, where the pressure is still high.
N_EPOCHS, N_SERVED = 100, 6
OVERSAMPLING = (RepeatFactor, MLROS)
CHOICES = {"boolean": (False, True), None: (None,)}


def ways(cls):
    """The selector as it is made by default, and with each of its options in turn set otherwise."""
    defaults = cls().get_params()
    short = {"warmup_epochs": 1} if "warmup_epochs" in defaults else {}
    yield cls(**short)
    for name, default in defaults.items():
        for constraint in cls._parameter_constraints[name]:
            for value in sorted(CHOICES.get(constraint, getattr(constraint, "options", ()))):
                if value != default:
                    yield cls(**short, **{name: value})


SELECTORS = [
    way
    for cls in runpy.run_path(str(Path(__file__).with_name("discovery.py")))["CLASSES"]
    for way in ways(cls)
]


@pytest.fixture(params=SELECTORS, ids=str)
def selector(request):
    return clone(request.param)


def make_data(seed):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(N, 5, generator=generator)
    return X, (torch.rand(N, Q, generator=generator) < 0.3).float()


def start(selector, data, seed):
    return clone(selector).start(*data, n_epochs=N_EPOCHS, batch_size=BATCH_SIZE, random_state=seed)


def random_predictions(Y, seed, epoch, dtype=torch.float64):
    """Probabilities and losses of logits that are drawn in double precision, then rounded."""
    generator = torch.Generator().manual_seed(1000 * seed + epoch)
    logits = (2 * torch.randn(Y.shape, dtype=torch.float64, generator=generator)).to(dtype)
    losses = binary_cross_entropy_with_logits(logits, Y.to(dtype), reduction="none")
    return logits.sigmoid(), losses


def tell(selector, index, predictions):
    proba, losses = predictions
    selector.update(index, proba[index], losses[index], learning_rate=0.1)


def serve_in_step(selector, seed):
    """Serve two copies, told the same in double and in single: probabilities, batches of both."""
    data = make_data(seed)
    Y = data[1]
    double, single = start(selector, data, seed), start(selector, data, seed)
    for epoch in range(N_SERVED):
        exact = random_predictions(Y, seed, epoch)
        rounded = random_predictions(Y, seed, epoch, torch.float32)
        for batches in zip(double.batches(epoch), single.batches(epoch), strict=True):
            yield double.probabilities_, single.probabilities_, *batches
            if selector.refresh == "visit":
                tell(double, batches[0], exact)
                tell(single, batches[0], rounded)
        if selector.refresh == "epoch":
            tell(double, torch.arange(N), exact)
            tell(single, torch.arange(N), rounded)


def test_single_precision_serves_the_batches_of_double(selector):
    """Scores are rounded by 1e-7 of their size and there are n levels: ties are n 1e-7 of all.

    Up to 7e-5 was seen of 300 instances in 20 runs; in the mixture of two sets of levels, and
    where ranks are exchanged, a tie moves an instance by part of a level. DIHCL has none: there
    the last bits show, as less than a hundredth of what would be a level elsewhere.
    """
    level = math.log(selector.pressure) / N
    n_moved = n_compared = 0
    for seed in range(5):
        for exact, rounded, batch, batch_of_rounded in serve_in_step(selector, seed):
            if exact is None or torch.equal(exact, rounded):
                assert torch.equal(batch, batch_of_rounded)
            if exact is not None:
                change = (rounded / exact).log()
                # A level changed by one instance changes the sum by which all are divided.
                change = (change - change.median()).abs() / level
                assert change.max() < 1.02
                n_moved += int((change > 0.02).sum())
                n_compared += N
    assert n_moved <= 1e-3 * n_compared


def by_turns(Y, epoch):
    return Y if epoch % 2 else 1 - Y


def one_wrong(Y, epoch):
    proba = Y.clone()
    proba[0] = 1 - Y[0]
    return proba


SATURATED = {
    "right": lambda Y, epoch: Y,
    "wrong": lambda Y, epoch: 1 - Y,
    "right and wrong by turns": by_turns,
    "one instance wrong": one_wrong,
}


@pytest.mark.parametrize("case", SATURATED)
def test_predictions_of_exactly_0_and_1(selector, case):
    data = make_data(0)
    Y, served = data[1], start(selector, data, seed=0)
    for epoch in range(N_SERVED):
        proba = SATURATED[case](Y, epoch)
        # Torch's binary cross-entropy of a probability is never above 100.
        predictions = proba, 100 * (proba != Y).float()
        sizes = []
        for index in served.batches(epoch):
            sizes.append(len(index))
            assert 0 <= index.min() <= index.max() < N
            distinct = not (selector.unbiased or isinstance(selector, OVERSAMPLING))
            assert len(index.unique()) == len(index) or not distinct
            if (p := served.probabilities_) is not None:
                assert torch.isfinite(p).all()
                assert (p > 0).all()
                assert p.sum().item() == pytest.approx(1)
            weights = served.loss_weights(index, Y[index])
            assert weights is None or torch.isfinite(weights).all()
            if selector.refresh == "visit":
                tell(served, index, predictions)
        if selector.refresh == "epoch":
            tell(served, torch.arange(N), predictions)
        assert len(sizes) == served.count_batches(epoch)
        if served.n_batches_ == 10 and served.probabilities_ is not None:
            assert sizes == 9 * [BATCH_SIZE] + [12]


def serve(selector):
    data = make_data(0)
    Y, served, batches = data[1], start(selector, data, seed=0), []
    for epoch in range(N_SERVED):
        for index in served.batches(epoch):
            batches.append(index.tolist())
            tell(served, index, random_predictions(Y, 0, epoch))
    return batches


def test_deterministic_algorithms_serve_the_same(selector, deterministic):
    expected = serve(selector)
    deterministic()
    assert serve(selector) == expected
