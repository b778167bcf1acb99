"""The loops of examples/loops train on what a selector chose, all of it and nothing twice."""

import importlib.util
import os
import re
import runpy
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

LOOPS = Path(__file__).parents[1] / "examples" / "loops"
SCRIPT = Path(__file__).with_name("run_loop.py")
LOOP = runpy.run_path(str(SCRIPT))
CASES = LOOP["CASES"]
FRAMEWORKS = {
    f"with_{name}": pytest.param(
        f"with_{name}",
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(
                importlib.util.find_spec(package) is None,
                reason=f"{package} is not installed: pip install -e '.[loops]'",
            ),
        ],
    )
    for name, package in (
        ("lightning", "lightning"), ("trainer", "transformers"), ("accelerate", "accelerate")
    )
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_no_more_than_ten_lines_are_changed(name):
    """And all are marked: what follows the marks is a loop that knows nothing of selection."""
    lines = (LOOPS / f"{name}.py").read_text().splitlines()
    code = lines[next(i for i, line in enumerate(lines) if line.startswith("import")) :]
    marked = [line for line in code if line.endswith("  # <--")]
    assert 0 < len(marked) <= 10
    telling = re.compile(r"\b(selection|selector|batches|index|losses|loss_weights)\b|D2ACE")
    unmarked = [line for line in code if line not in marked and telling.search(line)]
    assert not [line for line in unmarked if 'row["batches"]' not in line]


def run_in_processes(name, folder, launcher=()):
    """What each process saved, and what all printed."""
    done = subprocess.run(
        [sys.executable, *launcher, SCRIPT, name, folder],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "has not been told" not in done.stderr
    return [torch.load(path) for path in sorted(folder.glob("*.pt"))]


@pytest.fixture(scope="module")
def train_alone(tmp_path_factory):
    """What a loop does in one process, of its own where a framework would stay in this one."""
    known = {}

    def train(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            (known[name],) = run_in_processes(name, folder)
        return known[name]

    return train


@pytest.fixture(scope="module")
def train_in_two(tmp_path_factory):
    known = {}
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")

    def train(name):
        if name not in known:
            known[name] = run_in_processes(name, tmp_path_factory.mktemp(name), launcher)
        return known[name]

    return train


def expect(name, case):
    """What a bare loop does with the same selector."""
    selector, settings = CASES[name][case]
    # Who takes the mean, and what becomes of the last batch of an epoch with an odd number of them.
    ways = {
        "plain_skorch": {"mean": binary_cross_entropy_with_logits},
        "with_lightning": {"share_of_last": 0.5},
        "with_trainer": {"share_of_last": 1},
        "with_accelerate": {"carry": True},
    }
    accumulate = settings.get("accumulate", 1)
    return LOOP["record_by_hand"](selector, accumulate, **ways.get(name, {}))


def assert_close(weights, expected, atol):
    for found, wanted in zip(weights, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=atol)


PAIRS = [
    pytest.param(name, case, marks=FRAMEWORKS[name].marks if name in FRAMEWORKS else ())
    for name in CASES
    for case in CASES[name]
    if case != "mixed"
]


@pytest.mark.parametrize(("name", "case"), PAIRS)
def test_the_training_is_that_of_a_bare_loop(name, case, train_alone):
    found, expected = train_alone(name)[case], expect(name, case)
    wanted = expected["seen"]
    if (name, case) == ("with_trainer", "longer"):
        # As its docstring warns, each epoch has as many batches as the first.
        shorter = [epoch[: len(wanted[0])] for epoch in wanted]
        assert found["seen"] == list(chain(*shorter))
        return
    assert found["seen"] == list(chain(*wanted))
    assert found["n_steps"] == expected["n_steps"]
    assert_close(found["weights"], expected["weights"], 1e-5)


@pytest.mark.parametrize("name", FRAMEWORKS.values())
def test_half_precision(name, train_alone):
    found = train_alone(name)
    exact, mixed = found["fixed"], found["mixed"]
    n_first = len(exact["seen"]) // LOOP["N_EPOCHS"]
    assert mixed["seen"][:n_first] == exact["seen"][:n_first]
    assert mixed["n_steps"] == exact["n_steps"]
    assert any((a != b).any() for a, b in zip(mixed["weights"], exact["weights"], strict=True))
    assert_close(mixed["weights"], exact["weights"], 0.02)


@pytest.mark.parametrize("case", ["fixed", "weighted", "shorter", "longer"])
@pytest.mark.parametrize("name", FRAMEWORKS.values())
def test_two_processes_share_each_batch(name, case, train_in_two):
    first, second = (process[case] for process in train_in_two(name))
    expected = expect(name, case)
    if (name, case) == ("with_trainer", "longer"):
        expected["seen"] = [epoch[: len(expected["seen"][0])] for epoch in expected["seen"]]
        expected["n_steps"] = len(first["seen"])
    shares = list(zip(first["seen"], second["seen"], strict=True))
    assert len(shares) == sum(len(epoch) for epoch in expected["seen"])
    for (a, b), whole in zip(shares, expected["seen"][0], strict=False):
        assert (a + b)[: len(whole)] == whole
    if case != "weighted":  # That is drawn with replacement.
        # Where a batch is odd, its first instance fills the second share.
        assert all(set(a).isdisjoint(b) or set(a) & set(b) == {a[0]} == {b[-1]} for a, b in shares)
    assert first["n_steps"] == second["n_steps"] == expected["n_steps"]
    for mine, theirs in zip(first["weights"], second["weights"], strict=True):
        assert torch.equal(mine, theirs)
    if (name, case) != ("with_trainer", "longer"):
        assert_close(first["weights"], expected["weights"], 1e-4)


@pytest.mark.parametrize("name", ["plain_pytorch", "plain_skorch", *FRAMEWORKS.values()])
def test_the_line_that_is_printed(name, tmp_path):
    done = subprocess.run(
        [sys.executable, LOOPS / f"{name}.py", "--epochs", "2"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    line = r"^Macro-AUC on the test part: 0\.\d{4} after 30 steps$"
    assert re.search(line, done.stdout, flags=re.MULTILINE)
