"""PACA against the published network."""

import pytest
import torch
from torch import nn

from skd2ace.networks import PACA
from skd2ace.networks._paca import normal_kl

FLOWS = {"pos_prototypes": "positive", "neg_prototypes": "negative"}
# From the names of the published network to ours.
PUBLISHED = {
    **{f"encoder.fcs.{place}.": f"encoder.hidden.{place}." for place in (0, 3, 6)},
    "fc_mu.": "encoder.mean.",
    "fc_logvar.": "encoder.log_variance.",
    **{f"decoder.fcs.{place}.": f"decoder.{place}." for place in (0, 3, 6, 9)},
    **{f"label_encoder.fcs.{place}.": f"label_encoder.hidden.{place}." for place in (0, 3)},
    "label_fc_mu.": "label_encoder.mean.",
    "label_fc_logvar.": "label_encoder.log_variance.",
    **{f"label_decoder.fcs.{place}.": f"label_decoder.{place}." for place in (0, 3)},
    "label_classifier.": "label_decoder.6.",
    **{f"ins_map.fcs.{place}.": f"instance_map.{place}." for place in (0, 3, 6)},
    **{
        f"{theirs}.conditional_transforms.{published}": f"{ours}.{name}"
        for theirs, ours in FLOWS.items()
        for published, name in {
            "0.conditioner.mlp.fcs.0.": "conditioner_input.",
            "0.conditioner.mlp.fcs.1.": "conditioner_output.",
            "0.conditioner.mlp.fc_y.": "conditioner_label.",
            "0.conditioner.mlp.masks.0": "input_mask",
            "0.conditioner.mlp.masks.1": "output_mask",
            "0.out_to_dsparams.": "unit_parameters.",
            "1.affine_a.l1.": "scale.hidden.",
            "1.affine_a.l2.": "scale.output.",
            "1.affine_a.l3.": "scale.skip.",
            "1.affine_b.l1.": "shift.hidden.",
            "1.affine_b.l2.": "shift.output.",
            "1.affine_b.l3.": "shift.skip.",
        }.items()
    },
    # One-hot codes of the labels, which ours multiplies by without making them.
    "label_encodings": "one_hot",
}


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def case(request, load_published):
    """The oracle, and a network of ours with the published parameters."""
    state, oracle = load_published("paca_1", PUBLISHED, request.param)
    assert torch.equal(state.pop("one_hot")[0], torch.eye(5))
    network = PACA(
        10,
        5,
        hidden_sizes=(32, 48),
        classification_weight=float(oracle["alpha"]),
        regularization_weight=float(oracle["gamma"]),
    )
    ours = network.state_dict()
    for name in ("input_mask", "output_mask"):
        assert torch.equal(ours[f"positive.{name}"], state[f"positive.{name}"])
    network.load_state_dict(state)
    return network.to(request.param).eval(), oracle


def test_evaluation_mode_is_the_published_one(case, assert_published):
    network, oracle = case
    X, Y = oracle["X"], oracle["Y"]
    place = network.place(X, *network.encoder(X))
    densities = torch.stack([network.negative(place), network.positive(place)], dim=1)
    assert_published(densities, oracle["log_density_neg_pos"])
    assert_published(network(X).sigmoid(), oracle["proba"])
    assert_published(network.decoder(place), oracle["reconstruction_logits"])
    label_mean, _ = network.label_encoder(Y)
    assert_published(network.label_decoder(label_mean), oracle["label_decoder_logits"])
    out = network.training_loss(X, Y)
    assert_published(out.terms["reconstruction"], oracle["reconstruction_loss"])
    assert_published(out.terms["kl"], oracle["kl"])
    regularisation = out.terms["kl"] + out.terms["label_reconstruction"]
    assert_published(regularisation, oracle["regularisation_loss"])
    assert_published(out.terms["bce"], oracle["classification_loss"])
    assert_published(out.loss, oracle["loss_eval"])


def test_label_losses_are_those_of_the_prediction(case, assert_published):
    network, oracle = case
    out = network.training_loss(oracle["X"], oracle["Y"])
    truth = torch.where(oracle["Y"] > 0, oracle["proba"], 1 - oracle["proba"])
    torch.testing.assert_close(
        out.label_losses.double(), -truth.double().log(), rtol=1e-4, atol=1e-5
    )
    decoded = oracle["label_losses_label_decoder"].to(out.label_losses.dtype)
    assert not torch.allclose(out.label_losses, decoded, atol=0.01)


def test_weights_reach_their_terms():
    torch.manual_seed(0)
    network = PACA(6, 3, hidden_sizes=(8, 12)).eval()
    X, Y = torch.rand(4, 6), torch.randint(2, (4, 3)).float()
    rows = [network.training_loss(X[[i]], Y[[i]]).loss for i in range(4)]
    weights = torch.tensor([2.0, 0.0, 1.0, 0.5])
    expected = sum(w * row for w, row in zip(weights, rows, strict=True)) / 4
    torch.testing.assert_close(network.training_loss(X, Y, weights).loss, expected)
    plain, of_labels = network.training_loss(X, Y), torch.rand(4, 3)
    weighted = network.training_loss(X, Y, of_labels)
    for name in ("reconstruction", "kl", "label_reconstruction"):
        torch.testing.assert_close(weighted.terms[name], plain.terms[name])
    expected = (plain.label_losses * of_labels).sum(1).mean()
    torch.testing.assert_close(weighted.terms["bce"], expected)


def test_unknown_labels_are_absent_to_the_encoder_and_not_reconstructed():
    torch.manual_seed(0)
    network = PACA(6, 3, hidden_sizes=(8, 12)).eval()
    X, known = torch.rand(4, 6), torch.ones(4, 3)
    known[1, 2], known[3] = 0, 0
    out = network.training_loss(X, torch.where(known == 1, 1.0, torch.nan))
    mean, log_variance = network.label_encoder(known)
    errors = nn.functional.softplus(-network.label_decoder(mean)) * known
    torch.testing.assert_close(out.terms["label_reconstruction"], errors.sum(1).mean())
    kl = normal_kl(*network.encoder(X), mean, log_variance).mean()
    torch.testing.assert_close(out.terms["kl"], kl)


def test_codes_are_sampled_in_training_mode_only():
    torch.manual_seed(0)
    network = PACA(6, 3, hidden_sizes=(8, 12), dropout=0.0)
    X = torch.rand(4, 6)
    assert not torch.equal(network(X), network(X))
    network.eval()
    assert torch.equal(network(X), network(X))
