"""HST against arrays of the published network and losses, and pairs written out in loops."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

from skd2ace.networks import HST
from skd2ace.networks._hst import _signs
from skd2ace.networks._label_transfer import (
    instance_contrast,
    inter_scores,
    intra_scores,
    known_losses,
    pair_kinds,
    ranks_of,
)

# From the published names of parameters and constants to ours. The convolution of 1 x 1 is a
# linear layer here; the biases of fc3 and fc4 are idle, and the graph and word vectors are given.
NAMES = {
    "changeChannel.0.": "reduce.0.",
    "changeChannel.1.": "reduce.1.",
    "SemanticDecoupling.fc1.": "attend_image.",
    "SemanticDecoupling.fc2.": "attend_label.",
    "SemanticDecoupling.fc3.weight": "attend_hidden.weight",
    "SemanticDecoupling.fc4.weight": "attend_score.weight",
    "GraphNeuralNetwork.fc_1_w.": "graph_network.update_message.",
    "GraphNeuralNetwork.fc_1_u.": "graph_network.update_state.",
    "GraphNeuralNetwork.fc_2_w.": "graph_network.reset_message.",
    "GraphNeuralNetwork.fc_2_u.": "graph_network.reset_state.",
    "GraphNeuralNetwork.fc_3_w.": "graph_network.new_message.",
    "GraphNeuralNetwork.fc_3_u.": "graph_network.new_state.",
    "fc.": "hidden.",
    "classifiers.": "classifier.",
    "intra_fc_1.": "pair_input.",
    "intra_fc_2.": "pair_hidden.",
    "intra_fc_3.": "pair_output.",
    "intra_classifiers.": "pair_classifier.",
    "intraMargin": "intra_threshold",
    "interMargin": "inter_threshold",
}
TERMS = {
    "bce": "bce_known",
    "intra": "bce_intra",
    "inter": "bce_inter",
    "cooccurrence": "cooccurrence_asymmetric",
    "instance": "instance_contrast",
    "intra_threshold": "intra_threshold_bce",
    "inter_threshold": "inter_threshold_bce",
    "prototype": "prototype_contrast",
}


def ours(published):
    prefix = max((name for name in NAMES if published.startswith(name)), key=len, default=None)
    return None if prefix is None else NAMES[prefix] + published.removeprefix(prefix)


def labels(signs, dtype):
    """0/1 and NaN of 1, -1 and 0."""
    return torch.where(signs == 0, torch.nan, (signs > 0).to(dtype))


def ranks_from(permutations, signs):
    """The places that a permutation of each kind of pairs gives to its members."""
    ranks = []
    for permutation, kind in zip(permutations, pair_kinds(signs)[1:], strict=True):
        rank = torch.full((kind.numel(),), 10**6)
        members = kind.flatten().nonzero()[:, 0]
        rank[members[permutation]] = torch.arange(len(permutation))
        ranks.append(rank.view(kind.shape))
    return tuple(ranks)


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def case(request, load_oracle):
    """A head of ours with the published parameters, the oracle, and its labels as ours."""
    oracle, dtype = load_oracle("hst_1"), request.param
    head = HST(
        8,
        5,
        label_vectors=oracle["state/wordFeatures"],
        feature_size=6,
        hidden_size=4,
        output_size=7,
        n_prototypes=3,
        variant="reference",
    )
    state = {
        ours(name): value.flatten(1) if name.endswith("0.weight") else value
        for name, value in (
            (n.removeprefix("state/"), v) for n, v in oracle.items() if "state/" in n
        )
        if ours(name)
    }
    missing = head.load_state_dict(state, strict=False)
    assert set(missing.missing_keys) == {"label_vectors", "label_graph", "prototypes"}
    head.to(dtype).eval()
    known = oracle["graph_labels"] != 0
    head.fit_label_graph((oracle["graph_labels"] == 1).float(), known.float())
    head.prototypes.copy_(oracle["prototypes"])
    return head, oracle, labels(oracle["Y"], dtype), oracle["feature_map"].to(dtype)


def test_the_prediction_is_the_published(case, assert_published):
    head, oracle, _, features = case
    assert_published(head.label_graph, oracle["graph"])
    positions = features.flatten(2).transpose(1, 2)
    reduced = head.reduce(positions.flatten(0, 1)).view(*positions.shape[:2], -1)
    assert_published(reduced.transpose(1, 2), oracle["changed_features"].flatten(2))
    attention = head._attend(reduced).transpose(1, 2)
    assert_published(attention, oracle["attention"].flatten(2))
    of_labels = head.label_features(features)
    assert_published(of_labels, oracle["semantic_features"])
    assert_published(head.graph_network(of_labels, head.label_graph), oracle["graph_features"])
    assert_published(head(features), oracle["logits"])
    pair_logits = head._pair_logits(of_labels)
    assert_published(pair_logits, oracle["cooccurrence_logits"])
    assert_published(head._cooccurrences(pair_logits), oracle["cooccurrence_matrix"])


def test_what_is_taken_over_is_the_published(case, assert_published):
    head, oracle, Y, features = case
    of_labels, signs = head.label_features(features), _signs(Y)
    intra = intra_scores(head._cooccurrences(head._pair_logits(of_labels)), signs)
    inter = inter_scores(of_labels, head.prototypes)
    for name, scores in (("intra", intra), ("inter", inter)):
        assert_published(scores, oracle[f"{name}_score"])
        excess = (scores - head.get_parameter(f"{name}_threshold")).clamp(0, 1)
        assert_published(excess, oracle[f"{name}_surrogate"])
        target = torch.where((signs == 0) & (excess > 0), 1, signs)
        assert_published(target, oracle[f"{name}_target"])
        assert_published(known_losses(head(features), target), oracle[f"label_losses_{name}"])
        assert (target != signs).any()


def test_the_losses_are_the_published(case, assert_published):
    head, oracle, Y, features = case
    permutations = oracle["perm_negative_negative"], oracle["perm_positive_negative"]
    ranks = ranks_from(permutations, oracle["Y"])
    head.transfers = True
    out = head._loss(features, Y, ranks)
    for name, published in TERMS.items():
        assert_published(out.terms[name], oracle[published])
    assert_published(out.loss, oracle["loss"])
    assert_published(out.logits, oracle["logits"])
    known = oracle["Y"] != 0
    assert_published(out.label_losses[known], oracle["label_losses_known"][known])
    assert (out.label_losses[~known] == 0).all()
    out.loss.backward()
    seen = 0
    for name in [name for name in oracle if name.startswith("grad_loss/")]:
        grad = head.get_parameter(ours(name.removeprefix("grad_loss/"))).grad
        scale = oracle[name].abs().max()
        assert_published(grad / scale, oracle[name] / scale)
        seen += 1
    assert seen == 6
    head.variant = "paper"
    attraction = head._loss(features, Y, ranks).terms["prototype"]
    assert_published(attraction, oracle["prototype_contrast_opposite_sign"])


def test_the_first_epochs_are_the_published(case, assert_published):
    head, oracle, Y, features = case
    ranks = ranks_from(
        (oracle["perm_negative_negative"], oracle["perm_positive_negative"]), oracle["Y"]
    )
    assert_published(head._loss(features, Y, ranks).loss, oracle["loss_epoch_1_to_4"])
    head.ramp = 0.3
    assert_published(head._loss(features, Y, ranks).loss, oracle["loss_epoch_0_at_ramp_030"])


def test_contrasts_are_the_published(case, assert_published):
    head, oracle, _, features = case
    of_labels = head.label_features(features)
    first, second = torch.triu_indices(7, 7, offset=1)
    cosines = cosine_similarity(of_labels[first], of_labels[second], dim=2)
    assert_published(cosines, oracle["pair_cosine"])
    few = {key.removeprefix("few_positive_pairs/"): value for key, value in oracle.items()}
    ranks = ranks_from((few["perm_negative_negative"], few["perm_positive_negative"]), few["Y"])
    sampled = instance_contrast(of_labels, few["Y"], ranks)
    assert_published(sampled, oracle["few_positive_pairs/instance_contrast"])
    none = oracle["Y_no_positive_pair"]
    assert not pair_kinds(none)[0].any()
    for ranks in (None, tuple(torch.zeros(21, 5) for _ in range(2))):
        contrast = instance_contrast(of_labels, none, ranks)
        assert_published(contrast, oracle["instance_contrast_no_positive_pair"])


def test_training_mode_is_the_published(case, assert_published):
    head, oracle, _, features = case
    head.train()
    of_labels = head.label_features(features)
    assert_published(of_labels, oracle["semantic_features_train"])
    assert_published(head._pair_logits(of_labels), oracle["cooccurrence_logits_train"])
    assert_published(head._classify(of_labels), oracle["logits_train"])
    for name in ("running_mean", "running_var"):
        expected = oracle[f"state_after_train/changeChannel.1.{name}"]
        assert_published(head.get_buffer(f"reduce.1.{name}"), expected)


def test_ranks_written_out():
    values = torch.tensor([[0.3, -1.0, 2.0], [0.1, 0.3, -5.0]])
    among = torch.tensor([[True, True, False], [True, True, False]])
    assert ranks_of(values, among)[among].tolist() == [2, 0, 1, 3]


def make_head(q=4, **params):
    torch.manual_seed(0)
    sizes = {"vector_size": 3, "feature_size": 4, "hidden_size": 3, "output_size": 4}
    return HST(5, q, **{**sizes, "n_prototypes": 2, **params})


def make_data(b=6, q=4, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(b, 5, 2, 2, generator=generator, dtype=dtype)
    Y = (torch.rand(b, q, generator=generator) < 0.5).to(dtype)
    return features, Y.masked_fill(torch.rand(b, q, generator=generator) < 0.3, torch.nan)


def loss_of(head, *args, **kwargs):
    torch.manual_seed(1)
    return head.training_loss(*args, **kwargs)


def test_weights_reach_their_terms():
    head = make_head(threshold=0.2).eval()
    head.transfers = True
    features, Y = make_data()
    head.fit_prototypes(head.label_features(features).detach(), Y)
    plain = loss_of(head, features, Y)
    known = ~Y.isnan()
    cells = known * (known.numel() / known.sum())
    for weights, of_instances in ((cells, None), (cells, torch.ones(6))):
        same = loss_of(head, features, Y, weights, instance_weights=of_instances)
        torch.testing.assert_close(same.loss, plain.loss)
    twice = loss_of(head, features, Y, 2 * cells, instance_weights=torch.full((6,), 2.0))
    torch.testing.assert_close(twice.loss, 2 * plain.loss)
    torch.testing.assert_close(twice.label_losses, plain.label_losses)
    nobody = torch.tensor([1.0] * 5 + [0.0])
    changed = features.clone()
    changed[-1] = 7
    full = torch.where(known, Y, 0)
    torch.testing.assert_close(
        loss_of(head, changed, full, nobody).loss, loss_of(head, features, full, nobody).loss
    )


@pytest.mark.parametrize("value", [0.0, 1.0, torch.nan])
@pytest.mark.parametrize("q", [1, 4])
@pytest.mark.parametrize("b", [1, 3])
def test_labels_that_are_all_alike_and_features_of_any_scale(value, q, b):
    head = make_head(q).train()
    head.transfers = True
    Y = torch.full((b, q), value)
    head.fit_label_graph(Y.nan_to_num(), (~Y.isnan()).float())
    for scale in (0.0, 1e3):
        out = loss_of(head, scale * torch.randn(b, 5, 2, 2), Y)
        head.zero_grad()
        out.loss.backward()
        assert torch.isfinite(out.loss)
        assert all(torch.isfinite(p.grad).all() for p in head.parameters() if p.grad is not None)
    assert head(torch.randn(b, 5)).shape == (b, q)


def test_evaluation_draws_nothing():
    head, (features, Y) = make_head().eval(), make_data()
    before = torch.get_rng_state()
    out = head.training_loss(features, Y)
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(out.logits, head(features))


def test_prototypes_are_cluster_centres():
    head = make_head()
    features = torch.zeros(6, 4, 4)
    features[:3, 0, 0], features[3:, 0, 1] = 1, 1
    features[:, 1, 2] = torch.arange(6.0)
    Y = torch.full((6, 4), torch.nan)
    Y[:, 0], Y[2, 1], Y[:, 2] = 1, 1, 0
    head.fit_prototypes(features, Y)
    assert sorted(head.prototypes[0].tolist()) == [[0, 1, 0, 0], [1, 0, 0, 0]]
    assert head.prototypes[1].tolist() == [[0, 0, 2, 0]] * 2, "one feature is every prototype"
    assert (head.prototypes[2:] == 0).all()


class _Loss(torch.nn.Module):
    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, X, Y):
        return self.head.training_loss(X, Y).loss


@pytest.mark.parametrize("variant", ["paper", "reference"])
def test_gradients_are_those_of_finite_differences(variant):
    sizes = dict.fromkeys(("vector_size", "feature_size", "hidden_size", "output_size"), 2)
    head = make_head(3, variant=variant, threshold=0.1, **sizes).double().eval()
    head.transfers = True
    features, Y = make_data(4, 3, torch.float64)
    head.fit_prototypes(head.label_features(features).detach(), Y)
    module = _Loss(head)
    parameters = dict(module.named_parameters())

    def loss(*values):
        changed = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(module, changed, (features, Y))

    assert torch.autograd.gradcheck(loss, tuple(parameters.values()))
