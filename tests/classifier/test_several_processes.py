"""Fits of two processes under torchrun are those of one."""

import re
import runpy
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("several_processes.py")
ALONE = runpy.run_path(str(SCRIPT))
CASES = [*ALONE["CASES"], "weighted"]
# Two processes have to begin.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("several_processes")


@pytest.fixture(scope="module")
def printed(folder, run_in_processes):
    """What two processes printed that saved what they found."""
    return run_in_processes(2, SCRIPT, folder).stdout


@pytest.fixture(scope="module")
def found(folder, printed):
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.fixture(scope="module")
def alone():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield ALONE["fit_cases"]()
    torch.set_num_threads(threads)


def assert_same(mine, theirs):
    """All but what each read: bit for bit."""
    assert mine["best"] == theirs["best"]
    assert mine["history"] == theirs["history"]
    assert [rows for rows, _ in mine["batches"]] == [rows for rows, _ in theirs["batches"]]
    assert torch.equal(mine["proba"], theirs["proba"])
    for one, other in zip(mine["weights"], theirs["weights"], strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("case", CASES)
def test_two_processes_end_as_one(case, found, alone):
    first, second = (process["cases"][case] for process in found)
    assert_same(first, second)
    expected = alone[case]
    n_first = len(expected["batches"]) // ALONE["N_EPOCHS"]
    for (rows, _), (whole, _) in list(zip(first["batches"], expected["batches"], strict=True))[
        :n_first
    ]:
        assert rows == whole
    for one, other in zip(first["weights"], expected["weights"], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)
    torch.testing.assert_close(first["proba"], expected["proba"], rtol=0, atol=1e-4)
    assert first["best"] == expected["best"]
    for mine, theirs in zip(first["history"], expected["history"], strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_each_reads_its_share(case, found):
    """The rows of a batch are dealt out, none twice; of a single row both have a copy."""
    batches = zip(*(process["cases"][case]["batches"] for process in found), strict=True)
    for (rows, n_mine), (_, n_theirs) in batches:
        assert (n_mine, n_theirs) == (max(len(rows) // 2, 1), -(-len(rows) // 2))


def test_each_reads_its_share_of_items(found):
    """113 of them, in three epochs; and a few to see their shape."""
    first, second = (process["reads"] for process in found)
    n_all = ALONE["N_EPOCHS"] * 113
    assert n_all <= first + second <= n_all + 10


@pytest.mark.parametrize("name", ["unseeded", "an instance", "running means"])
def test_processes_agree_where_nobody_seeds_them(name, found):
    first, second = (process[name] for process in found)
    assert_same(first, second)


def test_going_on_from_a_checkpoint(found, folder):
    """With noise of each process's own; only the first has the files."""
    for process in found:
        whole, resumed = process["interrupted"]
        assert_same({**whole, "batches": whole["batches"][14:]}, resumed)
    written = sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert written == ["part-0", "whole-0"]


def test_the_first_process_prints(printed):
    assert printed.count("valid_macro_auc") == 1


def test_what_cannot_be_trained_together(found):
    first, second = (process["refused"] for process in found)
    assert first == second
    data, lr, loader, stop, seed = first
    assert data.startswith("ValueError: The processes of this training differ in data")
    assert "differ in lr: 0.01 in process 0, 0.02 in process 1" in lr
    assert loader.startswith("TypeError: iterator_train gave a DataLoader")
    assert "differ in epoch: 2 in process 0, none after 1 in process 1" in stop
    assert "differ in random_state" in seed


def test_the_example_of_the_docs(run_in_processes):
    example = SCRIPT.parents[2] / "examples" / "several_processes.py"
    printed = run_in_processes(2, example).stdout
    (score,) = re.findall(r"Macro-AUC (0\.\d+)", printed)
    assert float(score) > 0.6
    assert printed.count("valid_macro_auc") == 1
