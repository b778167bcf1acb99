"""Functions as text: what they do tells them apart, not what they are called."""

import subprocess
import sys
from functools import partial

import pytest

from skd2ace._code import describe_code


def scale_by(factor, shift=0):
    return lambda x: x * factor + shift


class Holds:
    def __init__(self, *functions):
        self.functions = functions

    def __repr__(self):
        return "Holds()"

    def apply(self, x):
        return x


def is_one(x):
    return x in {1}


def is_two(x):
    return x in {2}


DIFFERENT = [
    lambda x: x + 1,
    lambda x: x + 2,
    lambda x: x - 1,
    lambda x, y=1: x + 1,
    lambda x: x.real,
    lambda x: x.imag,
    lambda x: [z + 1 for z in x],
    lambda x: [z + 2 for z in x],
    scale_by(2),
    scale_by(3),
    scale_by(2, shift=1),
    is_one,
    is_two,
    Holds(lambda x: x + 1),
    Holds(lambda x: x + 1, scale_by(3)),
    Holds(Holds(scale_by(3))).apply,
    partial(lambda x, y: x + y, y=scale_by(4)),
    {"a": scale_by(5)},
    len,
]


def test_each_is_another():
    shown = [str(describe_code(thing)) for thing in DIFFERENT[:-1]]
    assert len(set(shown)) == len(shown) - 1, "the first function held is the first of all"
    assert describe_code(len) == []


@pytest.mark.parametrize("make", [lambda: scale_by(2), lambda: Holds(scale_by(2)), lambda: is_one])
def test_the_same_made_again(make):
    assert describe_code(make()) == describe_code(make())


def test_what_holds_itself():
    holds = Holds()
    holds.functions = (holds, scale_by(2))
    assert describe_code(holds) == describe_code(scale_by(2))


def test_sets_are_shown_alike_in_every_process():
    script = (
        "from skd2ace._code import describe_code\n"
        "from skd2ace._describe import describe\n"
        "f = (lambda k: lambda x: x in {'a', 'b', 'c', 'd'} and k)({'e', 'f', 'g'})\n"
        "print(describe_code(f), describe(f))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in (1, 2)
    ]
    assert runs[0] == runs[1]
