"""CLIF against the published network, and at its edges."""

import pytest
import torch
from torch import nn

from skd2ace.networks import CLIF

# From the names of the published network to ours. The same map serves weights, biases and
# running statistics, which end alike in both.
PUBLISHED = {
    "label_emb": "label_embedding",
    "label_edge": "label_graph",
    **{f"GIN_encoder.GINLayers.{layer}.eps": f"gin.{layer}.eps" for layer in (0, 1)},
    **{
        f"GIN_encoder.GINLayers.{layer}.mlp.fcs.{place}.": f"gin.{layer}.mlp.{place}."
        for layer in (0, 1)
        for place in (0, 1, 4, 5)
    },
    **{f"FD_model.out_x.fcs.{place}.": f"features.{place}." for place in (0, 3, 6)},
    "FD_model.out_y.": "gate.",
    "FD_model.out.fcs.0.": "product.",
    "cls_conv.": "classifier_",
}


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def case(request, load_published):
    """The oracle, and a network of ours with the published parameters."""
    state, oracle = load_published("clif_1", PUBLISHED, request.param)
    state["classifier_weight"] = state["classifier_weight"].squeeze(1)
    d, q = oracle["X"].shape[1], oracle["Y"].shape[1]
    network = CLIF(
        d,
        q,
        embedding_size=state["label_embedding"].shape[1],
        hidden_size=int(oracle["hidden"]),
        link_weight=float(oracle["lam"]),
    )
    network.load_state_dict(state)
    return network.to(request.param), oracle


def test_evaluation_mode_is_the_published_one(case, assert_published):
    network, oracle = case
    network.eval()
    out = network.training_loss(oracle["X"], oracle["Y"])
    assert_published(network.embed_labels(), oracle["label_embedding_eval"])
    assert_published(network(oracle["X"]), oracle["logits_eval"])
    assert_published(out.logits, oracle["logits_eval"])
    assert_published(out.label_losses, oracle["label_losses_eval"])
    assert_published(out.loss, oracle["loss_eval"])


def test_training_mode_is_the_published_one(case, assert_published):
    network, oracle = case
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    out = network.training_loss(oracle["X"], oracle["Y"])
    assert_published(out.logits, oracle["logits_train_nodropout"])
    assert_published(out.loss, oracle["loss_train_nodropout"])
    out.loss.backward()
    assert_published(network.gate.weight.grad, oracle["grad_fd_out_y_train_nodropout"])


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    network = CLIF(3, 4, embedding_size=4, hidden_size=5, dropout=0.0).double()
    network.fit_label_graph(torch.eye(4)[[0, 1, 1, 2]] + torch.eye(4)[[1, 2, 0, 3]])
    X, Y = torch.randn(6, 3, dtype=torch.float64), (torch.rand(6, 4) < 0.5).double()
    parameters = dict(network.named_parameters())

    def loss(*values):
        changed = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(_Loss(network), changed_names(changed), (X, Y))

    def changed_names(changed):
        return {f"network.{name}": value for name, value in changed.items()}

    network.eval()  # Running statistics: in training mode each call would move them.
    assert torch.autograd.gradcheck(loss, tuple(parameters.values()))


class _Loss(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, X, Y):
        return self.network.training_loss(X, Y).loss


def test_label_graph_is_the_mean_conditional_probability():
    Y = torch.tensor([[1, 1, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0]])
    network = CLIF(2, 3)
    network.fit_label_graph(Y)
    a = (1 / 3 + 1 / 2) / 2
    expected = torch.tensor([[0, a, 0], [a, 0, 0], [0, 0, 0]])
    torch.testing.assert_close(network.label_graph, expected)


def test_weights_multiply_the_cross_entropy_only():
    torch.manual_seed(0)
    network = CLIF(3, 4, hidden_size=8).eval()
    X, Y = torch.randn(5, 3), (torch.rand(5, 4) < 0.5).float()
    plain = network.training_loss(X, Y)
    by_instance = torch.tensor([0.0, 1.0, 2.0, 0.5, 3.0])
    for weights in (by_instance, by_instance[:, None].expand(5, 4)):
        weighted = network.training_loss(X, Y, weights)
        torch.testing.assert_close(weighted.label_losses[1:], plain.label_losses[1:])
        assert (weighted.label_losses[0] == 0).all()
        torch.testing.assert_close(weighted.terms["link"], plain.terms["link"])
        expected = (plain.label_losses * by_instance[:, None]).sum() / 20
        torch.testing.assert_close(weighted.terms["bce"], expected)
        torch.testing.assert_close(weighted.loss, expected + 1e-3 * plain.terms["link"])


def test_one_label_uses_the_running_statistics():
    torch.manual_seed(0)
    network = CLIF(3, 1, hidden_size=8, dropout=0.0)
    X, Y = torch.randn(5, 3), torch.ones(5, 1)
    training = network.train().training_loss(X, Y)
    assert torch.isfinite(training.loss)
    torch.testing.assert_close(training.logits, network.eval()(X))


def test_label_embeddings_are_not_trained():
    network = CLIF(3, 4)
    assert "label_embedding" not in dict(network.named_parameters())
    assert "label_embedding" in network.state_dict()


def test_initialisation_is_the_papers():
    torch.manual_seed(0)
    network = CLIF(200, 30)
    bound = (6 / (1 + 0.1**2) / 200) ** 0.5
    first = network.features[0]
    assert 0.95 * bound < first.weight.abs().max() <= bound
    assert first.bias.min() >= 0
    assert 0.09 < first.bias.max() <= 0.1
    assert network.label_embedding.std().item() == pytest.approx(1, abs=0.1)
    assert (network.gate.bias == 0).all()
    assert network.gin[0].eps.item() == 0
