"""MPVAE against arrays computed from the published formulas, and against slow loops."""

import math
from itertools import product
from statistics import NormalDist

import pytest
import torch

from skd2ace.networks import MPVAE
from skd2ace.networks._mpvae import posterior_kl
from skd2ace.networks._probit import joint_losses, probit, probit_to_logit
from skd2ace.networks._ranking import ranking_losses

# From the names of the published layers to ours; their weights are transposed.
PUBLISHED = {
    "label_encoder/fc_1": "label_encoder.hidden.0",
    "label_encoder/fc_2": "label_encoder.hidden.3",
    "encoder/z_miu": "label_encoder.mean",
    "encoder/z_logvar": "label_encoder.log_variance",
    "feat_encoder/fc_1": "encoder.hidden.0",
    "feat_encoder/fc_2": "encoder.hidden.3",
    "feat_encoder/fc_3": "encoder.hidden.6",
    "feat_encoder/z_miu": "encoder.mean",
    "feat_encoder/z_logvar": "encoder.log_variance",
    "label_decoder/fc_1": "decoder.0",
    "label_decoder/fc_2": "decoder.3",
    "label_mp_mu": "label_head",
    "feat_mp_mu": "feature_head",
}
ENDINGS = {"weights": "weight", "biases": "bias"}


def ours(name):
    """Our name of a published parameter."""
    if name == "r_sqrt_sigma":
        return "residual_root"
    layer, ending = name.rsplit("/", 1)
    return f"{PUBLISHED[layer]}.{ENDINGS[ending]}"


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def case(request, load_oracle):
    """The oracle, and a network of ours with the published parameters."""
    oracle, dtype = load_oracle("mpvae_1"), request.param
    state = {
        ours(name.removeprefix("state/")): value.T if name.endswith("weights") else value
        for name, value in oracle.items()
        if name.startswith("state/")
    }
    network = MPVAE(
        *(oracle[name].shape[1] for name in ("X", "Y")),
        latent_size=int(oracle["latent_dim"]),
        residual_rank=int(oracle["z_dim"]),
        hidden_sizes=(int(oracle["hidden_256"]), int(oracle["hidden_512"])),
        n_samples=int(oracle["n_sample"]),
        nll_weight=float(oracle["nll_coeff"]),
        ranking_weight=float(oracle["c_coeff"]),
        kl_weight=float(oracle["kl_coeff"]),
        l2_weight=float(oracle["l2_coeff"] * oracle["weight_decay"]),
    )
    network.load_state_dict(state)
    for name in ("X", "Y", "eps", "noise"):
        oracle[name] = oracle[name].to(dtype)
    return network.to(dtype).eval(), oracle


def loss_of(network, oracle):
    """The loss under the given noise, without dropout."""
    return network._loss(oracle["X"], oracle["Y"], (oracle["eps"], oracle["noise"]))


def test_codes_and_scores_are_the_published_ones(case, assert_published):
    network, oracle = case
    X, noise = oracle["X"], (oracle["eps"], oracle["noise"])
    of_features = network.encoder(X)
    of_labels = network.label_encoder(torch.cat((X, oracle["Y"]), dim=1))
    branches = {"feature": (of_features, network.feature_head)}
    branches["label"] = of_labels, network.label_head
    for name, (distribution, head) in branches.items():
        assert_published(distribution[0], oracle[f"{name}_mean"])
        assert_published(distribution[1], oracle[f"{name}_logvar"])
        scores = network._scores(X, distribution, head, noise)
        assert_published(probit(scores), oracle[f"{name}_probs"])
    kl = posterior_kl(*of_labels, *of_features)
    assert_published(kl, oracle["kl_per_instance"])
    root = network.residual_root
    assert_published(root @ root.T, oracle["residual_covariance"])


def test_given_noise_the_loss_is_the_published_one(case, assert_published):
    network, oracle = case
    out = loss_of(network, oracle)
    terms = {
        "kl": "kl_loss",
        "nll": "nll_feature_loss",
        "label_nll": "nll_label_loss",
        "ranking": "ranking_feature_loss",
        "label_ranking": "ranking_label_loss",
    }
    assert out.terms.keys() == {*terms, "l2"}
    for name, published in terms.items():
        assert_published(out.terms[name], oracle[published])
    decayed = float(oracle["weight_decay"]) * out.terms["l2"]
    assert_published(decayed, oracle["l2_loss"])
    assert_published(out.loss, oracle["total_loss"])
    assert_published(out.logits, oracle["logits"])
    assert_published(out.logits.sigmoid(), oracle["proba"])
    assert_published(out.label_losses, oracle["label_losses"])


def test_each_instance_is_the_published_one(case, assert_published):
    """Row 1 has no label, row 2 all: no pair."""
    network, oracle = case
    Y, cells = oracle["Y"], torch.ones_like(oracle["Y"])
    distributions = {
        "feature": (network.encoder(oracle["X"]), network.feature_head),
        "label": (network.label_encoder(torch.cat((oracle["X"], Y), dim=1)), network.label_head),
    }
    for name, branch in distributions.items():
        scores = network._scores(oracle["X"], *branch, (oracle["eps"], oracle["noise"]))
        assert_published(joint_losses(scores, Y, cells), oracle[f"nll_{name}_per_instance"])
        ranking = ranking_losses(probit(scores), Y, cells, sharpness=5.0) / 5
        assert_published(ranking, oracle[f"ranking_{name}_per_sample"])
        assert (ranking[:, 1:3] == 0).all()


def test_gradients_are_the_published_ones(case, assert_published):
    network, oracle = case
    loss_of(network, oracle).loss.backward()
    parameters, seen = dict(network.named_parameters()), 0
    for name in [name for name in oracle if name.startswith("grad_total/")]:
        published = name.removeprefix("grad_total/")
        grad = parameters[ours(published)].grad
        grad = grad.T if published.endswith("weights") else grad
        # Gradients reach 100, in single precision.
        scale = oracle[name].abs().max()
        assert_published(grad / scale, oracle[name] / scale)
        seen += 1
    assert seen == 6
    assert all(parameter.grad.isfinite().all() for parameter in parameters.values())


def test_evaluation_mode_predicts_at_the_mean_with_the_noise_integrated_out(case, assert_published):
    network, oracle = case
    X, root = oracle["X"], network.residual_root
    scores = network._scores(X, network.encoder(X), network.feature_head, None)[0]
    means = scores * (1 + root.square().sum(1)).sqrt()
    assert_published(means, oracle["feature_probit_mean_at_latent_mean"])
    sampled = probit(means + oracle["noise"] @ root.T).mean(0)
    assert_published(sampled, oracle["proba_at_latent_mean"])
    assert_published(network(X).sigmoid(), oracle["proba_closed_form"])
    out = network.training_loss(X, oracle["Y"])
    assert_published(out.logits.sigmoid(), oracle["proba_closed_form"])


def test_the_prediction_is_what_ever_more_samples_tend_to():
    torch.manual_seed(0)
    network = MPVAE(3, 4, n_samples=200_000).eval()
    with torch.no_grad():
        network.residual_root *= 3
        X = torch.randn(2, 3)
        _, noise = network._draw(X)
        scores = network._scores(
            X, network.encoder(X), network.feature_head, (torch.zeros(2, 50), noise)
        )
        torch.testing.assert_close(probit(scores).mean(0), network(X).sigmoid(), atol=3e-3, rtol=0)


def make_scores(n_samples=6, n_instances=7, n_labels=4):
    generator = torch.Generator().manual_seed(0)
    shape = n_instances, n_labels
    scores = torch.randn(n_samples, *shape, generator=generator, dtype=torch.float64)
    labels = (torch.rand(shape, generator=generator) < 0.5).double()
    labels[1], labels[2] = 0, 1
    cells = torch.rand(shape, generator=generator, dtype=torch.float64)
    cells[3], cells[4, 0], cells[5] = 0, 0, 2.5
    return scores, labels, cells


def test_likelihood_written_out():
    """Each label's likelihood to the power of its weight over the instance's, that times all."""
    scores, labels, cells = make_scores()
    for weights in (torch.ones_like(cells), cells):
        expected = []
        for i, (row, weight) in enumerate(zip(labels.tolist(), weights.tolist(), strict=True)):
            seen = [w for w in weight if w > 0]
            whole = sum(seen) / len(seen) if seen else 0
            products = []
            for sample in scores[:, i].tolist():
                product_ = 1.0
                for t, y, w in zip(sample, row, weight, strict=True):
                    p = (1 - 1e-6) * NormalDist().cdf(t) + 0.5e-6
                    product_ *= (p if y else 1 - p) ** (w / whole if whole else 0)
                products.append(product_)
            expected.append(-whole * math.log(sum(products) / len(products)))
        losses = joint_losses(scores, labels, weights)
        torch.testing.assert_close(losses, torch.tensor(expected, dtype=torch.float64))


def test_likelihoods_of_all_label_vectors_sum_to_one():
    scores, _, _ = make_scores()
    vectors = torch.tensor(list(product([0.0, 1.0], repeat=4)), dtype=torch.float64)
    losses = [joint_losses(scores, v.expand(7, 4), torch.ones(7, 4)) for v in vectors]
    torch.testing.assert_close(torch.stack(losses).neg().exp().sum(0), torch.ones(7).double())


def test_weights_are_linear_whatever_their_form():
    scores, labels, cells = make_scores()
    losses = joint_losses(scores, labels, cells)
    torch.testing.assert_close(joint_losses(scores, labels, 3 * cells), 3 * losses)
    of_rows = torch.rand(7, 1, dtype=torch.float64)
    alone = joint_losses(scores, labels, torch.ones_like(cells))
    rows = joint_losses(scores, labels, of_rows.expand(7, 4))
    torch.testing.assert_close(rows, of_rows[:, 0] * alone)


def test_scores_at_their_limits():
    """Logits of probits stay exact where probabilities are 0 and 1 in double precision."""
    scores = torch.tensor([-1e4, -30.0, -2.0, 0.0, 2.0, 30.0, 1e4], requires_grad=True)
    logits = probit_to_logit(scores)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert scores.grad.isfinite().all()
    p = NormalDist().cdf(2.0)
    assert logits[4].item() == pytest.approx(math.log(p / (1 - p)), rel=1e-5)
    assert logits[5].item() == pytest.approx(454.3212, rel=1e-5)  # -log Phi(-30), by its series
    torch.testing.assert_close(logits, -logits.flip(0))


def test_unknown_labels_are_absent_to_the_encoder_and_in_no_likelihood():
    torch.manual_seed(0)
    network = MPVAE(6, 3, hidden_sizes=(8, 12)).eval()
    X, known = torch.rand(4, 6), torch.ones(4, 3)
    known[1, 2], known[3] = 0, 0
    out = network.training_loss(X, torch.where(known == 1, 1.0, torch.nan))
    distribution = network.label_encoder(torch.cat((X, known), dim=1))
    scores = network._scores(X, distribution, network.label_head, None)
    expected = -(torch.log(probit(scores[0])) * known).sum(1).mean()
    torch.testing.assert_close(out.terms["label_nll"], expected)
    kl = posterior_kl(*distribution, *network.encoder(X)).mean()
    torch.testing.assert_close(out.terms["kl"], kl)


def test_weights_reach_their_terms():
    torch.manual_seed(0)
    network = MPVAE(6, 3, hidden_sizes=(8, 12), l2_weight=0.0).eval()
    X, Y = torch.rand(4, 6), torch.tensor([[1.0, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 0]])
    rows = [network.training_loss(X[[i]], Y[[i]]).loss for i in range(4)]
    weights = torch.tensor([2.0, 0.0, 1.0, 0.5])
    expected = sum(w * row for w, row in zip(weights, rows, strict=True)) / 4
    torch.testing.assert_close(network.training_loss(X, Y, weights).loss, expected)
    beside = network.training_loss(X, Y, weights[:, None].expand(4, 3), instance_weights=weights)
    torch.testing.assert_close(beside.loss, expected)
    plain, weighted = network.training_loss(X, Y), network.training_loss(X, Y, torch.rand(4, 3))
    for name in ("kl", "label_nll", "label_ranking"):
        torch.testing.assert_close(weighted.terms[name], plain.terms[name])
    for name in ("nll", "ranking"):
        assert weighted.terms[name] != plain.terms[name]


class _Loss(torch.nn.Module):
    def __init__(self, network, noise):
        super().__init__()
        self.network, self.noise = network, noise

    def forward(self, X, Y):
        return self.network._loss(X, Y, self.noise).loss


@pytest.mark.parametrize("drawn", [True, False], ids=["training", "evaluation"])
def test_gradients_are_those_of_finite_differences(drawn):
    torch.manual_seed(0)
    network = MPVAE(3, 4, latent_size=2, hidden_sizes=(3, 4), n_samples=3, dropout=0.0).double()
    X, Y = torch.randn(6, 3, dtype=torch.float64), (torch.rand(6, 4) < 0.5).double()
    Y[0], Y[1], Y[2, 1] = 0, 1, torch.nan
    with torch.no_grad():
        for parameter in network.parameters():  # Off the kinks of ReLU, where biases of 0 lie.
            parameter += 0.1 * torch.randn_like(parameter)
    module = _Loss(network, network._draw(X) if drawn else None)
    parameters = dict(module.named_parameters())

    def loss(*values):
        changed = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(module, changed, (X, Y))

    assert torch.autograd.gradcheck(loss, tuple(parameters.values()))


def test_predictions_are_drawn_in_training_mode_only():
    torch.manual_seed(0)
    network = MPVAE(6, 3, dropout=0.0)
    X = torch.rand(4, 6)
    assert not torch.equal(network(X), network(X))
    network.eval()
    assert torch.equal(network(X), network(X))


def test_initialisation_is_the_published_one():
    torch.manual_seed(0)
    network = MPVAE(200, 30, residual_rank=20)
    for weight in (network.decoder[0].weight, network.encoder.mean.weight, network.residual_root):
        bound = math.sqrt(6 / sum(weight.shape))
        assert 0.95 * bound < weight.abs().max() <= bound
    linears = [part for part in network.modules() if isinstance(part, torch.nn.Linear)]
    assert len(linears) == 13
    assert all((linear.bias == 0).all() for linear in linears)
    assert MPVAE(5, 7).residual_root.shape == (7, 7)
