"""Every array of the D2ACE oracles, under both variants, in both precisions."""

from itertools import pairwise

import pytest
import torch

from skd2ace._sparse import csr_from_dense
from skd2ace.selection import functional as F

CASES = ["d2ace_a", "d2ace_b", "d2ace_c"]
DTYPES = [torch.float32, torch.float64]
VARIANTS = ["paper", "reference"]


def assert_equal(actual, expected, rtol=1e-5):
    expected = expected.to(torch.float64)
    actual = torch.as_tensor(actual, dtype=torch.float64)
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=1e-9)


@pytest.fixture(params=[(case, dtype) for case in CASES for dtype in DTYPES], ids=str)
def oracle(request, load_oracle):
    case, dtype = request.param
    arrays = load_oracle(case)
    for name in ("X", "history", "losses", "history_with_gaps"):
        arrays[name] = arrays[name].to(dtype)
    return arrays


@pytest.fixture(params=["dense", "sparse"])
def layout(request):
    """Y and Z are given dense or as sparse CSR matrices."""
    return csr_from_dense if request.param == "sparse" else lambda matrix: matrix


def scores_of(oracle, variant):
    history = oracle["history"]
    flip_rate = torch.zeros_like(history[0])
    for before, now in pairwise(history):
        flip_rate = F.update_flip_rate(flip_rate, before, now, variant=variant)
    return {
        "uncertainty": F.uncertainty(history),
        "hardness": F.hardness(oracle["losses"], flip_rate, variant),
        "flip_rate": flip_rate,
    }


def test_local_labels(oracle):
    local = F.local_labels(oracle["X"], oracle["Y"], int(oracle["n_neighbors"]))
    assert local.dtype == oracle["Y"].dtype
    assert torch.equal(local, oracle["local_labels"])


def test_uncertainty(oracle):
    assert_equal(F.uncertainty(oracle["history"]), oracle["uncertainty"])


def test_fluctuation_over_gaps(oracle):
    assert_equal(F.fluctuation(oracle["history_with_gaps"]), oracle["fluctuation_with_gaps"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_flip_rate_and_hardness(oracle, variant):
    scores = scores_of(oracle, variant)
    assert_equal(scores["flip_rate"], oracle[f"{variant}/flip_rate"])
    assert_equal(scores["hardness"], oracle[f"{variant}/hardness"])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("metric", ["uncertainty", "hardness"])
def test_weights_and_probabilities(oracle, layout, variant, metric):
    scores = scores_of(oracle, variant)[metric]
    Y, local = layout(oracle["Y"]), layout(oracle["local_labels"])
    known = {
        name.removeprefix(f"{variant}/{metric}_"): value
        for name, value in oracle.items()
        if name.startswith(f"{variant}/{metric}_")
    }
    assert_equal(F.label_weights(scores), known.pop("label_weights"))
    assert_equal(F.label_correlation(scores, Y, variant), known.pop("label_correlation"))
    weights = F.instance_weights(scores, Y, local, variant=variant)
    assert_equal(weights, known.pop("instance_weights"))
    for setting, name in (
        ({"correlation": None}, "instance_weights_no_correlation"),
        ({"label_weight": "linear"}, "instance_weights_linear"),
    ):
        changed = F.instance_weights(scores, Y, local, variant=variant, **setting)
        assert_equal(changed, known.pop(name))
    for pressure in (100, 7.5):
        probabilities = F.sampling_probabilities(weights, pressure)
        assert_equal(probabilities, known.pop(f"probabilities_s{pressure}"))
    assert not known, "an array of the oracle was not looked at"


@pytest.mark.parametrize("variant", VARIANTS)
def test_mixture_at_epoch_50(oracle, variant):
    settings = {"paper": (11, 100.0, 30), "reference": (10, 8.0, 10)}
    first, initial, mix_from = settings[variant]
    pressure = F.selection_pressure(50, first, 100, initial)
    mixing = F.mixing_coefficient(50, mix_from, 70)
    assert_equal(pressure, oracle[f"{variant}/epoch50_pressure"])
    assert_equal(mixing, oracle[f"{variant}/epoch50_mixing"])
    scores = scores_of(oracle, variant)
    sampling = {
        metric: F.sampling_probabilities(
            F.instance_weights(
                scores[metric], oracle["Y"], oracle["local_labels"], variant=variant
            ),
            pressure,
        )
        for metric in ("uncertainty", "hardness")
    }
    mixture = mixing * sampling["uncertainty"] + (1 - mixing) * sampling["hardness"]
    assert_equal(mixture, oracle[f"{variant}/epoch50_mixture"])


def test_schedules(oracle):
    for epoch, pressure, mixing in zip(
        oracle["epochs"].tolist(), oracle["pressure"], oracle["mixing"], strict=True
    ):
        assert_equal(F.selection_pressure(epoch, 11, 100), pressure)
        assert_equal(F.mixing_coefficient(epoch, 30, 70), mixing)
