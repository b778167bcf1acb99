"""ML-GCN against arrays of the published network, and its graph written out in loops."""

import pytest
import torch

from skd2ace._labels import conditional_probabilities
from skd2ace.networks import MLGCN
from skd2ace.networks._mlgcn import correlation_matrix, normalize_graph

# From the published names of parameters and constants to ours.
NAMES = {"gc1.weight": "first", "gc2.weight": "second"}


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def case(request, load_oracle):
    """The oracle, and how to make a head of ours with the published parameters."""
    oracle, dtype = load_oracle("mlgcn_1"), request.param
    oracle["feature_map"] = oracle["feature_map"].to(dtype)
    oracle["Y"] = oracle["Y"].to(dtype)

    def make(variant):
        head = MLGCN(
            8,
            5,
            label_vectors=oracle["word_embedding"],
            hidden_size=7,
            threshold=float(oracle["threshold"]),
            neighbor_weight=float(oracle["p_paper"]),
            variant=variant,
        )
        head.load_state_dict(
            {ours: oracle[f"state/{name}"] for name, ours in NAMES.items()}, strict=False
        )
        head.to(dtype).fit_label_graph(oracle["label_matrix"])
        return head

    return make, oracle


def test_the_graph_is_the_published(load_oracle, assert_published):
    oracle = load_oracle("mlgcn_1")
    conditional = conditional_probabilities(oracle["label_matrix"])
    expected = oracle["conditional_probability"]
    off_diagonal = ~torch.eye(5, dtype=torch.bool)
    assert_published(conditional[off_diagonal], expected[off_diagonal])
    for variant, A, G in (
        ("reference", "A", "adjacency_normalised"),
        ("paper", "paper_A", "paper_adjacency_normalised"),
    ):
        graph = correlation_matrix(conditional, 0.4, 0.2, variant)
        assert_published(graph, oracle[A])
        assert_published(normalize_graph(graph, variant), oracle[G])
    # One label stands alone.
    assert oracle["adjacency_binary"][:, 4].sum() == 0


@pytest.mark.parametrize(("variant", "name"), [("reference", "logits"), ("paper", "paper_logits")])
def test_logits_are_the_published(case, assert_published, variant, name):
    make, oracle = case
    head = make(variant)
    assert_published(head(oracle["feature_map"]), oracle[name])
    assert_published(head(oracle["pooled_features"].to(head.first.dtype)), oracle[name])
    if variant == "reference":
        assert_published(head.make_classifiers(), oracle["classifiers"])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            head(oracle["feature_map"]), oracle["Y"], reduction="none"
        )
        assert_published(loss, oracle["label_losses"])
        loss.mean().backward()
        for published, ours in NAMES.items():
            assert_published(head.get_parameter(ours).grad, oracle[f"grad_loss/{published}"])


def test_the_papers_equations_written_out():
    """Row i of what is propagated gathers from the labels that it implies."""
    generator = torch.Generator().manual_seed(0)
    Y = (torch.rand(30, 5, generator=generator) < 0.5).double()
    Y[:, 4] = 0
    q, p, threshold = 5, 0.3, 0.5
    edge = [[0.0] * q for _ in range(q)]
    for i in range(q):
        for j in range(q):
            n_i = sum(1 for row in Y if row[i] == 1)
            n_both = sum(1 for row in Y if row[i] == row[j] == 1)
            edge[i][j] = float(i != j and n_i > 0 and n_both / n_i >= threshold)
    assert 0 < sum(map(sum, edge)) < 20
    A = [[1 - p if i == j else 0.0 for j in range(q)] for i in range(q)]
    for j in range(q):
        into = sum(edge[i][j] for i in range(q))
        for i in range(q):
            if edge[i][j]:
                A[i][j] = p * edge[i][j] / into
    D = [sum(row) ** -0.5 for row in A]
    expected = [[D[i] * A[i][j] * D[j] for j in range(q)] for i in range(q)]
    head = MLGCN(3, q, vector_size=4, hidden_size=4, threshold=threshold, neighbor_weight=p)
    head.fit_label_graph(Y)
    torch.testing.assert_close(head.label_graph, torch.tensor(expected))


def test_the_graph_counts_by_weight():
    generator = torch.Generator().manual_seed(1)
    Y = (torch.rand(40, 4, generator=generator) < 0.4).float()
    times = torch.randint(4, (40,), generator=generator)
    weighted, repeated = MLGCN(2, 4, hidden_size=2), MLGCN(2, 4, hidden_size=2)
    weighted.fit_label_graph(Y, times)
    repeated.fit_label_graph(Y.repeat_interleave(times, dim=0))
    torch.testing.assert_close(weighted.label_graph, repeated.label_graph)
    unknown = torch.rand(40, 4, generator=generator) < 0.3
    garbage = MLGCN(2, 4, hidden_size=2)
    weighted.fit_label_graph(torch.where(unknown, 0, Y), (~unknown).float())
    garbage.fit_label_graph(torch.where(unknown, torch.nan, Y), (~unknown).float())
    assert torch.equal(weighted.label_graph, garbage.label_graph)


@pytest.mark.parametrize("given", [False, True])
def test_gradients_are_those_of_finite_differences(given):
    torch.manual_seed(0)
    vectors = torch.randn(3, 2) if given else None
    head = MLGCN(3, 3, label_vectors=vectors, vector_size=2, hidden_size=4).double()
    head.fit_label_graph((torch.rand(20, 3) < 0.6).double())
    features = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    parameters = dict(head.named_parameters())
    assert ("label_vectors" in parameters) is not given

    def logits(features, *values):
        changed = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(head, changed, (features,))

    assert torch.autograd.gradcheck(logits, (features, *parameters.values()))


@pytest.mark.parametrize("n_labels", [1, 4])
def test_labels_that_are_all_alike(n_labels):
    for value in (0, 1):
        head = MLGCN(6, n_labels, vector_size=4, hidden_size=4)
        head.fit_label_graph(torch.full((5, n_labels), float(value)))
        logits = head(1e3 * torch.randn(1, 6, 3, 3))
        assert torch.isfinite(logits).all()
        assert logits.shape == (1, n_labels)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"threshold": 1.5}, r"threshold must be in \[0, 1\], got 1.5"),
        ({"neighbor_weight": 1.0}, r"neighbor_weight must be in \[0, 1\), got 1.0"),
        ({"variant": "code"}, "variant must be 'paper' or 'reference', got 'code'"),
        ({"hidden_size": 0}, "'hidden_size' parameter of MLGCN"),
        ({"label_vectors": torch.ones(3, 2)}, r"each of the 4 labels, got shape \(3, 2\)"),
        ({"label_vectors": torch.full((4, 2), torch.nan)}, "one finite vector"),
    ],
)
def test_what_is_out_of_range(params, message):
    with pytest.raises(ValueError, match=message):
        MLGCN(5, 4, **params)
