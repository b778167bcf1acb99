"""The loops of examples/loops train on what a selector chose, all of it and nothing twice."""

import importlib.util
import re
import runpy
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("run_loop.py")
LOOP = runpy.run_path(str(SCRIPT))
CASES, LOOPS = LOOP["CASES"], LOOP["LOOPS"]
PRINTED = re.compile(r"^Macro-AUC on the test part: 0\.\d{4} after 30 steps$", re.MULTILINE)
PLAIN = ["plain_pytorch", "plain_skorch"]
FRAMEWORKS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(package) is None,
            reason=f"{package} is not installed: pip install -c constraints.txt -e '.[loops]'",
        ),
    )
    for name, package in (
        ("with_accelerate", "accelerate"),
        ("with_lightning", "lightning"),
        ("with_trainer", "transformers"),
    )
]


@pytest.mark.parametrize("name", CASES)
def test_no_more_than_ten_lines_are_changed(name):
    """All of them are marked: no other line of code knows of selection."""
    source = (LOOPS / f"{name}.py").read_text()
    code = source.split('"""', maxsplit=2)[2].splitlines()
    marked = [line for line in code if line.endswith("  # <--")]
    assert 0 < len(marked) <= 10
    telling = re.compile(r'(?<!")\b(skd2ace\.selection|selector|batches|index|losses)\b')
    assert not [line for line in code if telling.search(line) and line not in marked]


@pytest.fixture
def run_loop(run_in_processes, tmp_path, monkeypatch):
    """By process, what came of the cases; and what all printed."""

    def run(n_processes, name):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        done = run_in_processes(n_processes, SCRIPT, name, tmp_path, cwd=tmp_path)
        assert "has not been told" not in done.stderr
        return [torch.load(path) for path in sorted(tmp_path.glob("*.pt"))], done.stdout

    return run


def assert_close(weights, expected, atol):
    for found, wanted in zip(weights, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=atol)


def assert_same_training(case, shown, bare):
    if case == "mixed":
        # The first epoch is shuffled, whatever the network says.
        n_first = bare["n_first"]
        assert shown["batches"][:n_first] == bare["batches"][:n_first]
        assert any((a != b).any() for a, b in zip(shown["weights"], bare["weights"], strict=True))
        assert_close(shown["weights"], bare["weights"], 0.02)
    else:
        assert shown["batches"] == bare["batches"], case
        assert_close(shown["weights"], bare["weights"], 1e-5)
    assert shown["n_steps"] == bare["n_steps"], case


@pytest.mark.parametrize(("name", "case"), [(name, case) for name in PLAIN for case in CASES[name]])
def test_plain_loops(name, case):
    assert_same_training(case, *LOOP["train_both"](name, case))


@pytest.mark.parametrize("name", PLAIN)
def test_what_plain_loops_print(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--epochs", "2"])
    runpy.run_path(str(LOOPS / f"{name}.py"), run_name="__main__")
    assert PRINTED.search(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_frameworks(name, run_loop):
    (trained,), printed = run_loop(1, name)
    assert trained.keys() == CASES[name].keys()
    for case, (shown, bare) in trained.items():
        assert_same_training(case, shown, bare)
    assert PRINTED.search(printed)


@pytest.mark.slow
@pytest.mark.parametrize("name", FRAMEWORKS)
def test_two_processes_share_each_batch(name, run_loop):
    trained, printed = run_loop(2, name)
    assert trained[0].keys() == CASES[name].keys() - LOOP["SETTINGS"].keys()
    for case in trained[0]:
        (first, bare), (second, _) = (process[case] for process in trained)
        shares = zip(first["batches"], second["batches"], strict=True)
        assert [a + b for a, b in shares] == bare["batches"], case
        assert first["n_steps"] == second["n_steps"] == bare["n_steps"], case
        for mine, theirs in zip(first["weights"], second["weights"], strict=True):
            assert torch.equal(mine, theirs), case
        assert_close(first["weights"], bare["weights"], 1e-4)
    assert len(PRINTED.findall(printed)) == 1, "one process speaks for both"
