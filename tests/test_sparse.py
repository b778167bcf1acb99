"""CSR tensors are made without a word, and without a hand on the process's warnings."""

import subprocess
import sys
import warnings

import pytest
import scipy.sparse as sp
import torch

from skd2ace._sparse import csr_from_dense, csr_from_scipy, csr_select
from skd2ace.selection import D2ACE


def make_all():
    X = csr_from_scipy(sp.eye_array(40, format="csr"))
    assert torch.equal(csr_select(X, torch.tensor([2, 0])).to_dense(), X.to_dense()[[2, 0]])
    Y = torch.zeros(40, 300)
    Y[:, 0] = 1
    assert torch.equal(csr_from_dense(Y).to_dense(), Y)
    selector = D2ACE(warmup_epochs=0).start(X, Y, n_epochs=2, batch_size=8, random_state=0)
    assert selector.relevant_.layout is torch.sparse_csr
    for index in selector.batches(0):
        selector.update(index, Y[index], Y[index])
    next(selector.batches(1))


@pytest.fixture
def untouchable(monkeypatch):
    """Warnings that nobody may filter: a filter is for all threads, however short its life."""

    def refuse(*args, **kwargs):
        raise AssertionError("the process's warnings are touched")

    for name in ("catch_warnings", "filterwarnings", "simplefilter"):
        monkeypatch.setattr(warnings, name, refuse)


@pytest.mark.usefixtures("untouchable")
def test_filters_stay_alone():
    make_all()


def test_the_first_in_a_process_is_as_quiet():
    code = f"import runpy; runpy.run_path({__file__!r})['make_all']()"
    child = subprocess.run(
        [sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True
    )
    assert "Sparse" not in child.stderr
