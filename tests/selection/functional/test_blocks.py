"""What is made of blocks of instances is what is made of all at once."""

import itertools

import pytest
import torch

from skd2ace._sparse import csr_from_dense
from skd2ace.selection import D2ACE
from skd2ace.selection import functional as F
from skd2ace.selection.functional import _blocks


def draw(n=53, q=7):
    generator = torch.Generator().manual_seed(0)
    scores, labels, local, known = torch.rand(4, n, q, generator=generator, dtype=torch.float64)
    return scores, (labels < 0.3).double(), local < 0.5, known < 0.8


def cut(monkeypatch, n_cells):
    for name in ("_MOST_AT_ONCE", "_N_CELLS"):
        monkeypatch.setattr(_blocks, name, n_cells)


@pytest.mark.parametrize("n_cells", [1, 70, 371])
@pytest.mark.parametrize("variant", ["paper", "reference"])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("partly", [False, True])
def test_weights_by_blocks_are_those_of_all(n_cells, variant, sparse, partly, monkeypatch):
    scores, Y, local, known = draw()
    known = known if partly else None
    asked = []

    def score(rows):
        asked.append(rows)
        return scores[rows]

    settings = itertools.product(["exp", "linear", None], ["local", "global", None])
    for label_weight, correlation in settings:
        given = {"label_weight": label_weight, "correlation": correlation, "variant": variant}
        with monkeypatch.context() as context:
            whole = F.instance_weights(scores, Y, local, known=known, **given)
            cut(context, n_cells)
            labels, around = (csr_from_dense(m) if sparse else m for m in (Y, local))
            found = F.instance_weights(score, labels, around, known=known, **given)
        torch.testing.assert_close(found, whole, rtol=1e-10, atol=1e-10)
    assert len({rows.start for rows in asked}) == len(list(range(0, 53, max(n_cells // 7, 1))))


@pytest.mark.parametrize("n", [0, 1, 10])
@pytest.mark.parametrize("q", [1, 3, 4000])
def test_every_row_is_in_one_block(n, q, monkeypatch):
    cut(monkeypatch, 6)
    rows = [row for block in F.row_blocks(n, q) for row in range(n)[block]]
    assert rows == list(range(n))


@pytest.mark.parametrize("selector", [D2ACE(warmup_epochs=1), D2ACE.reference(warmup_epochs=1)])
def test_a_run_by_blocks_is_the_same_run(selector, monkeypatch):
    _, Y, _, known = draw(200, 5)
    X = torch.randn(200, 3, generator=torch.Generator().manual_seed(1))
    Y[~known] = torch.nan
    made = []
    for n_cells in (10_000, 37):
        cut(monkeypatch, n_cells)
        generator = torch.Generator().manual_seed(2)
        selector.start(X, Y, n_epochs=80, batch_size=20, random_state=0)
        for epoch in range(4):
            for index in selector.batches(epoch):
                proba = torch.rand(len(index), 5, generator=generator)
                selector.update(index, proba, -torch.log(proba))
        made.append((selector.probabilities_, selector.flip_rate_.clone()))
    torch.testing.assert_close(made[0], made[1], rtol=1e-6, atol=0)


@pytest.mark.parametrize("n_cells", [2**20, 3000])
def test_scores_of_parts_have_the_bits_of_all(n_cells, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    history = torch.rand(5, 1003, 7, generator=generator).half()
    Y = (torch.rand(1003, 7, generator=generator) < 0.3).float()
    cut(monkeypatch, n_cells)
    monkeypatch.setattr(_blocks, "_N_SCORED", 900)
    asked = []

    def score(rows):
        asked.append(rows.stop - rows.start)
        return F.uncertainty(history[:, rows])

    found = F.instance_weights(score, Y, None, correlation="global")
    assert torch.equal(
        found, F.instance_weights(F.uncertainty(history), Y, None, correlation="global")
    )
    assert max(asked) == 128


@pytest.mark.parametrize("variant", ["paper", "reference"])
def test_temporaries_are_few_beside_the_state(variant):
    """An epoch's own memory, beside 20 bytes of state per cell."""
    n, q = 20_000, 100
    generator = torch.Generator().manual_seed(0)
    Y = torch.zeros(n, q).scatter_(1, torch.randint(q, (n, 4), generator=generator), 1)
    selector = D2ACE(n_neighbors=0, warmup_epochs=0, history_dtype="float16", variant=variant)
    selector.start(torch.zeros(n, 1), Y, n_epochs=10, batch_size=128, random_state=0)
    selector.update(torch.arange(10), torch.rand(10, q, generator=generator), torch.rand(10, q))
    taken, most = 0, 0
    with torch.profiler.profile(profile_memory=True) as profiler:
        next(selector.batches(1))
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            taken += event.nbytes()
            most = max(most, taken)
    assert 0 < most < 0.15 * 20 * n * q
