"""C2AE against arrays computed from the authors' formulas, and of a third party's network."""

import math

import pytest
import torch

from skd2ace.networks import C2AE
from skd2ace.networks._c2ae import _orthogonality
from skd2ace.networks._ranking import ranking_losses

# From the names of the authors' matrices to our layers; the last row of a matrix is the bias.
AUTHORS = {
    "F1.1.W": "encoder.0",
    "F1.2.W": "encoder.2",
    "F1.3.W": "encoder.4",
    "F2.1.W": "label_encoder.0",
    "F2.2.W": "label_encoder.2",
    "F4.1.W": "decoder.0",
    "F4.2.W": "decoder.2",
}
# From the names of the network in PyTorch to ours.
PYTORCH = {
    "Fx.fc1.": "encoder.0.",
    "Fx.fc2.": "encoder.2.",
    "Fx.fc3.": "encoder.4.",
    "Fe.fc1.": "label_encoder.0.",
    "Fe.fc2.": "label_encoder.2.",
    "Fd.fc1.": "decoder.0.",
    "Fd.fc2.": "decoder.2.",
}
TERMS = {
    "embedding": "embedding_distance",
    "label_ranking": "ranking_loss",
    "l2": "l2_loss",
}


def matrices(network, of=lambda parameter: parameter):
    """Parameters, or what belongs to them, in the authors' form."""
    layers = {name: network.get_submodule(layer) for name, layer in AUTHORS.items()}
    return {
        name: torch.cat((of(layer.weight).T, of(layer.bias)[None]))
        for name, layer in layers.items()
    }


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def case(request, load_oracle):
    """The oracle, and how to make a network of ours with the authors' parameters."""
    oracle, dtype = load_oracle("c2ae_1"), request.param
    oracle["X"], oracle["Y"] = oracle["X"].to(dtype), oracle["Y"].to(dtype)
    missing = oracle["missing/Y"]
    oracle["missing/Y"] = torch.where(missing == 0, torch.nan, (missing > 0).to(dtype))

    def make(**params):
        network = C2AE(
            10,
            5,
            hidden_size=int(oracle["hidden_512"]),
            orthogonality_weight=float(oracle["lagrange"]),
            ranking_weight=1 / float(oracle["alpha"]),
            l2_weight=float(oracle["l2_penalty"]),
            **params,
        )
        state = {}
        for name, layer in AUTHORS.items():
            matrix = oracle[f"state/{name}"]
            state[f"{layer}.weight"], state[f"{layer}.bias"] = matrix[:-1].T, matrix[-1]
        network.load_state_dict(state)
        return network.to(dtype)

    return make, oracle


@pytest.mark.parametrize("missing", [False, True])
def test_the_loss_is_the_authors(case, assert_published, missing):
    """Row 1 of Y has no label, row 2 all."""
    make, oracle = case
    network, prefix = make(signed_labels=missing), "missing/" if missing else ""
    out = network.training_loss(oracle["X"], oracle[f"{prefix}Y"])
    assert network.encoder[-2].out_features == int(oracle["latent_dim"])
    b = len(oracle["X"])
    for name, published in TERMS.items():
        assert_published(b * out.terms[name], oracle[prefix + published])
    both = sum(oracle[f"{prefix}orthogonality_{of}"] for of in ("feature", "label"))
    assert_published(b * out.terms["orthogonality"], both)
    assert_published(b * out.loss, oracle[f"{prefix}loss"])


@pytest.mark.parametrize("missing", [False, True])
def test_the_gradients_are_the_authors(case, assert_published, missing):
    make, oracle = case
    network, prefix = make(signed_labels=missing), "missing/" if missing else ""
    (len(oracle["X"]) * network.training_loss(oracle["X"], oracle[f"{prefix}Y"]).loss).backward()
    for name, grad in matrices(network, lambda parameter: parameter.grad).items():
        expected = oracle[f"{prefix}grad_loss/{name}"]
        scale = expected.abs().max()
        assert_published(grad / scale, expected / scale)


@pytest.mark.parametrize("missing", [False, True])
def test_each_instance_is_the_authors(case, assert_published, missing):
    make, oracle = case
    network, prefix = make(signed_labels=missing), "missing/" if missing else ""
    Y = oracle[f"{prefix}Y"]
    labels, known = Y.nan_to_num(), ~Y.isnan()
    given = network._code_labels(labels, known)
    if missing:
        assert_published(given, oracle["missing/Y_normalised"])
    code = network.label_encoder(given)
    decoded = torch.sigmoid(network.decoder(code))
    assert_published(network.encoder(oracle["X"]), oracle[f"{prefix}feature_latent"])
    assert_published(code, oracle[f"{prefix}label_latent"])
    assert_published(decoded, oracle[f"{prefix}decoded_from_labels"])
    ranking = ranking_losses(decoded, labels, known.to(labels.dtype), sharpness=5.0)
    assert_published(ranking, oracle[f"{prefix}ranking_per_instance"])


def test_the_prediction_is_the_authors(case, assert_published):
    make, oracle = case
    network = make()
    out = network.training_loss(oracle["X"], oracle["Y"])
    for logits in (out.logits, network(oracle["X"])):
        assert_published(logits, oracle["logits"])
        assert_published(logits.sigmoid(), oracle["proba"])
        assert torch.equal((logits >= 0).long(), oracle["prediction"])
    assert_published(out.label_losses, oracle["label_losses"])


# Each first step is of one size, whatever the gradient's: rounding would turn it.
@pytest.mark.parametrize("case", [torch.float64], ids=str, indirect=True)
def test_two_steps_of_the_authors_optimizer(case):
    """Written out here: a root mean square from the first step's size on, without epsilon."""
    make, oracle = case
    network = make()
    eta, momentum, decay = (float(oracle[name]) for name in ("eta0", "momentum", "rms_decay"))
    sizes, steps = {}, {}
    for _ in range(2):
        network.zero_grad()
        (len(oracle["X"]) * network.training_loss(oracle["X"], oracle["Y"]).loss).backward()
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                g = parameter.grad
                s = sizes.get(name, g.abs())
                sizes[name] = s = torch.sqrt(decay * s**2 + (1 - decay) * g**2)
                step = torch.where(s > 0, g / s, 0)
                steps[name] = momentum * steps.get(name, 0) - eta * step
                parameter += steps[name]
    for name, matrix in matrices(network, torch.Tensor.detach).items():
        torch.testing.assert_close(matrix, oracle[f"after_2_steps/{name}"], rtol=1e-6, atol=1e-9)


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def third_party(request, load_oracle):
    """Arrays of the network in PyTorch, and ours with its parameters."""
    oracle, dtype = load_oracle("c2ae_1"), request.param
    part = {
        name.removeprefix("torch/"): value
        for name, value in oracle.items()
        if name.startswith("torch/")
    }
    network = C2AE(
        10,
        5,
        hidden_size=8,
        orthogonality_weight=float(part["emb_lambda"]),
        ranking_weight=float(part["alpha"] / part["beta"]),
        variant="pytorch",
    )
    state = {
        PYTORCH[name[:7]] + name[7:]: value
        for name, value in ((n.removeprefix("state/"), v) for n, v in part.items())
        if name[:7] in PYTORCH
    }
    network.load_state_dict(state)
    part["X"], part["Y"] = oracle["X"].to(dtype), oracle["Y"].to(dtype)
    return network.to(dtype), part


def test_the_variant_in_pytorch_is_the_third_partys(third_party, assert_published):
    network, part = third_party
    X, Y, beta, b = part["X"], part["Y"], float(part["beta"]), len(part["X"])
    code, label_code = network.encoder(X), network.label_encoder(Y)
    assert_published(code, part["feature_latent"])
    assert_published(label_code, part["label_latent"])
    assert_published(torch.sigmoid(network.decoder(label_code)), part["decoded_from_labels"])
    out = network.training_loss(X, Y)
    assert_published(b * out.terms["label_ranking"], part["ranking_loss_sum"])
    latent = out.terms["embedding"] + network.orthogonality_weight * out.terms["orthogonality"]
    assert_published(b * latent, part["latent_loss_sum"])
    assert_published(beta * out.loss, part["loss"])
    assert_published(out.logits.sigmoid(), part["proba"])
    (beta * out.loss).backward()
    seen = 0
    for name, value in part.items():
        if name.startswith("grad_loss/"):
            published = name.removeprefix("grad_loss/")
            ours = network.get_parameter(PYTORCH[published[:7]] + published[7:])
            assert_published(ours.grad / value.abs().max(), value / value.abs().max())
            seen += 1
    assert seen == 3


def make_data(b=7, q=5):
    generator = torch.Generator().manual_seed(0)
    proba = torch.rand(b, q, generator=generator, dtype=torch.float64)
    labels = (torch.rand(b, q, generator=generator) < 0.5).double()
    labels[1], labels[2] = 0, 1
    cells = torch.rand(b, q, generator=generator, dtype=torch.float64)
    cells[3], cells[4, 0] = 0, 0
    return proba, labels, cells


@pytest.mark.parametrize(("sharpness", "smoothing"), [(5.0, 0.0), (1.0, 1e-4)])
def test_ranking_written_out_pair_by_pair(sharpness, smoothing):
    proba, labels, cells = make_data()
    expected = []
    for p, y, w in zip(proba.tolist(), labels.tolist(), cells.tolist(), strict=True):
        pairs = [
            math.sqrt(w[i] * w[j]) * math.exp(-sharpness * (p[i] - p[j]))
            for i in range(5)
            for j in range(5)
            if y[i] == 1 and y[j] == 0 and w[i] > 0 and w[j] > 0
        ]
        expected.append(sum(pairs) / (len(pairs) + smoothing) if pairs else 0.0)
    actual = ranking_losses(proba, labels, cells, sharpness=sharpness, smoothing=smoothing)
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64))
    assert expected[1] == expected[2] == expected[3] == 0


def test_constraint_written_out():
    codes, weights = torch.randn(6, 3).double(), torch.tensor([2.0, 0, 1, 0.5, 1, 0]).double()
    for w in (None, weights, 0 * weights):
        plain = torch.ones(6).double() if w is None else w
        mean, expected = plain.mean(), 0.0
        for j in range(3):
            for k in range(3):
                terms = [
                    c[j] * c[k] * x / mean for c, x in zip(codes, plain, strict=True) if mean > 0
                ]
                expected += mean * (sum(terms) - float(j == k)) ** 2
        torch.testing.assert_close(_orthogonality(codes, w), torch.as_tensor(expected))


def test_weights_reach_their_terms():
    torch.manual_seed(0)
    network = C2AE(6, 4, hidden_size=8)
    X, Y = torch.rand(5, 6), torch.tensor([[1.0, 0, 0, 1]] * 2 + [[0, 1, 1, 0]] * 3)
    plain, rows = network.training_loss(X, Y), torch.tensor([2.0, 0, 1, 0.5, 3])
    weighted = network.training_loss(X, Y, rows)
    singly = [network.training_loss(X[[i]], Y[[i]]).terms for i in range(5)]
    for name in ("embedding", "label_ranking"):
        expected = sum(w * terms[name] for w, terms in zip(rows, singly, strict=True)) / 5
        torch.testing.assert_close(weighted.terms[name], expected)
    torch.testing.assert_close(weighted.terms["l2"], plain.terms["l2"])
    beside = network.training_loss(X, Y, rows[:, None].expand(5, 4), instance_weights=rows)
    torch.testing.assert_close(beside.loss, weighted.loss)
    of_labels = network.training_loss(X, Y, torch.rand(5, 4))
    for name in ("embedding", "orthogonality", "l2"):
        torch.testing.assert_close(of_labels.terms[name], plain.terms[name])
    assert of_labels.terms["label_ranking"] < plain.terms["label_ranking"]


def test_unknown_labels_stand_as_zeros_and_in_no_pair():
    """No other row changes, whichever way labels are coded."""
    torch.manual_seed(0)
    Y = torch.tensor([[1.0, 0, 0], [1, torch.nan, 0], [torch.nan] * 3, [1, torch.nan, 1]])
    labels, known = Y.nan_to_num(), ~Y.isnan()
    assert torch.equal(C2AE(6, 3)._code_labels(labels, known), labels)
    signed = C2AE(6, 3, signed_labels=True)._code_labels(labels, known)
    assert signed.tolist() == [[1, -0.5, -0.5], [1, 0, -1], [0, 0, 0], [0.5, 0, 0.5]]


def test_the_only_label_is_compared_with_the_threshold():
    torch.manual_seed(0)
    network = C2AE(6, 1, hidden_size=8)
    X, Y = torch.rand(4, 6), torch.tensor([[1.0], [0], [1], [torch.nan]])
    out = network.training_loss(X, Y)
    decoded = torch.sigmoid(network.decoder(network.label_encoder(Y.nan_to_num())))[:, 0]
    signs = torch.tensor([1.0, -1, 1])
    expected = torch.exp(-5 * signs * (decoded[:3] - 0.5)).sum() / 5 / 4
    torch.testing.assert_close(out.terms["label_ranking"], expected)


class _Loss(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, X, Y):
        return self.network.training_loss(X, Y).loss


@pytest.mark.parametrize("variant", ["authors", "pytorch"])
@pytest.mark.parametrize("signed", [False, True])
def test_gradients_are_those_of_finite_differences(variant, signed):
    torch.manual_seed(0)
    network = C2AE(3, 4, hidden_size=3, signed_labels=signed, variant=variant).double()
    X, Y = torch.randn(6, 3, dtype=torch.float64), (torch.rand(6, 4) < 0.5).double()
    Y[0], Y[1], Y[2, 1] = 0, 1, torch.nan
    module = _Loss(network)
    parameters = dict(module.named_parameters())

    def loss(*values):
        changed = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(module, changed, (X, Y))

    assert torch.autograd.gradcheck(loss, tuple(parameters.values()))


@pytest.mark.parametrize(("n_labels", "size"), [(1, 1), (2, 2), (5, 4), (14, 11), (174, 139)])
def test_the_code_has_four_fifths_of_the_labels(n_labels, size):
    assert C2AE(3, n_labels).encoder[-2].out_features == size
    assert C2AE(3, n_labels, latent_size=7).encoder[-2].out_features == 7


def test_initialisation_is_the_authors():
    torch.manual_seed(0)
    network = C2AE(200, 30)
    hidden, last = network.encoder[0], network.encoder[4]
    assert 0.0095 < hidden.weight.abs().max() <= 0.01
    assert hidden.bias.min() >= 0
    assert 0.09 < hidden.bias.max() <= 0.1
    bound = 4 * math.sqrt(6 / (512 + 24))
    assert 0.95 * bound < last.weight.abs().max() <= bound
    assert (last.bias == 0).all()
    assert (network.decoder[2].bias == 0).all()


def test_variants_that_there_are():
    assert C2AE(3, 4).l2_weight == 1e-3
    assert C2AE(3, 4, variant="pytorch").l2_weight == 0
    with pytest.raises(ValueError, match=r"variant must be 'authors' or 'pytorch', got 'matlab'"):
        C2AE(3, 4, variant="matlab")
