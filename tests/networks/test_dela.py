"""DELA against the published network, its gates against their definition."""

import pytest
import torch

from skd2ace.networks import DELA
from skd2ace.networks._dela import gate_kl, perturb, straight_through_gates

# From the names of the published network to ours.
PUBLISHED = {
    "logit": "gate_seed",
    "scale_layer.": "gate_scale.",
    **{f"encoder.fcs.{place}.": f"encoder.hidden.{place}." for place in (0, 3, 6)},
    "fc_mu.": "encoder.mean.",
    "fc_logvar.": "encoder.log_variance.",
    "decoder.fcs.0.": "decoder_input.",
    "decoder.fcs.3.": "decoder.2.",
    "classifier.": "classifier_",
}


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def case(request, load_published):
    """The oracle, and a network of ours with the published parameters."""
    state, oracle = load_published("dela_1", PUBLISHED, request.param)
    state["classifier_weight"] = state["classifier_weight"].squeeze(1)
    network = DELA(10, 5, hidden_sizes=(32, 48), kl_weight=float(oracle["beta"]))
    network.load_state_dict(state)
    return network.to(request.param).eval(), oracle


def test_evaluation_mode_is_the_published_one(case, assert_published):
    network, oracle = case
    out = network.training_loss(oracle["X"], oracle["Y"])
    mean, log_variance = network.encoder(oracle["X"])
    assert_published(mean, oracle["latent_mean"])
    assert_published(log_variance, oracle["latent_logvar"])
    assert_published(network.gate_logits(), oracle["gate_logits"])
    assert_published(network(oracle["X"]), oracle["logits_eval"])
    assert_published(out.label_losses, oracle["label_losses_eval"])
    assert_published(out.loss, oracle["loss_eval"])


def test_given_gates_and_noise_it_is_the_published_one(case, assert_published):
    network, oracle = case
    mean, log_variance = network.encoder(oracle["X"])
    gates = oracle["gate_samples"].to(mean.dtype)
    code = perturb(mean, log_variance, gates, oracle["noise"].to(mean.dtype))
    logits = network.classify(oracle["X"], code)
    assert_published(logits, oracle["logits_given_gates_and_noise"])
    kl = gate_kl(mean, log_variance, gates)
    assert_published(kl.mean(), oracle["kl_given_gates"])
    out = network._loss(logits, oracle["Y"], kl, None)
    assert_published(out.loss, oracle["loss_given_gates_and_noise"])


def test_kl_term_written_out():
    """Per instance the mean over labels of the sum over latent features."""
    g = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 4, 3, generator=g)
    gates = (torch.rand(5, 3, generator=g) < 0.5).float()
    expected = [
        sum(
            0.5 * (-v - 2 * torch.log(gate + 1e-6) - 1 + torch.exp(v) * gate**2 + m**2)
            for j in range(5)
            for v, gate, m in zip(log_variance[i], gates[j], mean[i], strict=True)
        )
        / 5
        for i in range(4)
    ]
    torch.testing.assert_close(gate_kl(mean, log_variance, gates), torch.stack(expected))


def test_gates_are_binary_with_the_right_frequency():
    torch.manual_seed(0)
    logits = torch.tensor([-2.0, 0.0, 1.0]).expand(20_000, 3)
    gates = straight_through_gates(logits, 2 / 3)
    assert set(gates.flatten().tolist()) == {0, 1}
    torch.testing.assert_close(gates.mean(0), torch.sigmoid(logits[0]), atol=0.015, rtol=0)


def test_gates_have_the_gradient_of_their_relaxation():
    """d sigmoid((l + L) / t) / dl = s (1 - s) / t, with the same noise L."""
    logits = torch.randn(50, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(1)
    straight_through_gates(logits, 2 / 3).sum().backward()
    torch.manual_seed(1)
    uniform = torch.rand(50, dtype=torch.float64)
    relaxed = torch.sigmoid((logits.detach() + torch.logit(uniform)) * 1.5)
    torch.testing.assert_close(logits.grad, relaxed * (1 - relaxed) * 1.5)


def test_gates_survive_the_ends_of_the_noise(monkeypatch):
    monkeypatch.setattr(torch, "rand_like", torch.zeros_like)
    logits = torch.tensor([-3.0, 3.0], requires_grad=True)
    gates = straight_through_gates(logits, 2 / 3)
    gates.sum().backward()
    assert gates.tolist() == [0, 0]
    assert torch.isfinite(logits.grad).all()


def test_noise_reaches_open_gates_only():
    torch.manual_seed(0)
    network = DELA(6, 3).train()
    with torch.no_grad():
        network.gate_scale.weight.zero_()
        network.gate_scale.bias.fill_(-1e4)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    X = torch.randn(5, 6)
    closed = network(X)
    torch.testing.assert_close(network.eval()(X), closed)
    with torch.no_grad():
        network.gate_scale.bias.fill_(1e4)
    assert not torch.allclose(network.train()(X), closed)


def test_more_samples_average(assert_published):
    torch.manual_seed(0)
    network = DELA(6, 3, n_samples=2)
    X, Y = torch.randn(5, 6), torch.randint(2, (5, 3)).float()
    torch.manual_seed(1)
    both = network.training_loss(X, Y)
    network.n_samples = 1
    torch.manual_seed(1)
    # Dropout of the encoder is drawn once for both samples.
    mean, log_variance = network.encoder(X)
    parts = []
    for _ in range(2):
        gates = straight_through_gates(network.gate_logits(), network.temperature)
        code = perturb(mean, log_variance, gates, torch.randn_like(mean))
        kl = gate_kl(mean, log_variance, gates)
        parts.append(network._loss(network.classify(X, code), Y, kl, None))
    torch.testing.assert_close(both.loss, (parts[0].loss + parts[1].loss) / 2)
    torch.testing.assert_close(both.terms["kl"], (parts[0].terms["kl"] + parts[1].terms["kl"]) / 2)


def test_weights_reach_their_terms():
    torch.manual_seed(0)
    network = DELA(6, 3).eval()
    X, Y = torch.randn(4, 6), torch.randint(2, (4, 3)).float()
    plain = network.training_loss(X, Y)
    of_instances = torch.tensor([2.0, 0.0, 1.0, 0.0])
    weighted = network.training_loss(X, Y, of_instances)
    expected = (plain.label_losses.sum(1) * of_instances).mean()
    torch.testing.assert_close(weighted.loss, expected)
    torch.testing.assert_close(weighted.label_losses[::2], plain.label_losses[::2])
    assert (weighted.label_losses[1::2] == 0).all()
    of_labels = torch.rand(4, 3)
    weighted = network.training_loss(X, Y, of_labels)
    torch.testing.assert_close(weighted.loss, (plain.label_losses * of_labels).sum(1).mean())
