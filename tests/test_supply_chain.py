"""Nothing that the package reads can run code, and it talks to nobody."""

import ast
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import skd2ace

ROOT = Path(skd2ace.__file__).parent
EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = sorted([*ROOT.rglob("*.py"), *EXAMPLES.rglob("*.py")])

BUILTINS = {"eval", "exec", "compile"}
# Refused however they are mentioned: handed on as functions, they would be called elsewhere.
REFUSED = {
    *(f"builtins.{name}" for name in BUILTINS),
    *("os.system", "os.popen", "shelve.open", "pandas.read_pickle", "subprocess.getoutput"),
    *(f"{m}.{f}" for m in ("pickle", "_pickle", "dill", "cloudpickle") for f in ("load", "loads")),
    *("pickle.Unpickler", "joblib.load", "marshal.load", "marshal.loads"),
}
UNPICKLING_MODULES = {name.rpartition(".")[0] for name in REFUSED}


def imported_names(tree):
    """What each imported name stands for: ``np`` for ``numpy``, ``loads`` for ``pickle.loads``."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.split(".")[0]
                names[alias.asname or whole] = whole
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def full_name(node, names):
    if isinstance(node, ast.Attribute):
        return f"{full_name(node.value, names)}.{node.attr}"
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def is_constant(node, value):
    return isinstance(node, ast.Constant) and node.value is value


def call_is_safe(name, call):
    arguments = {keyword.arg: keyword.value for keyword in call.keywords}
    if name == "torch.load":
        return is_constant(arguments.get("weights_only"), True)
    if name == "numpy.load":
        # Its third place is allow_pickle; a ** may hold anything.
        allowed = arguments.get("allow_pickle", ast.Constant(False))
        return is_constant(allowed, False) and len(call.args) < 3 and None not in arguments
    if name.startswith("subprocess."):
        shell = arguments.get("shell", ast.Constant(False))
        return is_constant(shell, False) and None not in arguments
    return name not in BUILTINS


def dangers(source):
    """Lines and names of what runs or unpickles what it is given."""
    tree = ast.parse(source)
    names = imported_names(tree)
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                starred = alias.name == "*" and node.module in UNPICKLING_MODULES
                if name in REFUSED or starred:
                    yield node.lineno, name
        elif isinstance(node, (ast.Name, ast.Attribute)):
            name = full_name(node, names)
            call = calls.get(id(node))
            unchecked = name == "torch.load" and call is None
            if name in REFUSED or unchecked or (call and not call_is_safe(name, call)):
                yield node.lineno, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_runs_what_it_reads(path):
    assert list(dangers(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(code)",
        "compile(code, 'name', 'exec')",
        "import builtins; builtins.eval(code)",
        "import os; os.system('ls')",
        "from os import system as run; run('ls')",
        "import pickle; pickle.load(file)",
        "import pickle as p; p.loads(data)",
        "from pickle import loads",
        "from pickle import *",
        "import pickle; list(map(pickle.loads, parts))",
        "import joblib; joblib.load(path)",
        "import marshal; marshal.loads(data)",
        "import torch; torch.load(path)",
        "import torch; torch.load(path, weights_only=False)",
        "import torch; torch.load(path, weights_only=flag)",
        "import torch; torch.load(path, **params)",
        "from torch import load; load(path)",
        "import torch; read = torch.load",
        "import numpy as np; np.load(path, allow_pickle=True)",
        "import numpy as np; np.load(path, None, True)",
        "import numpy as np; np.load(path, **params)",
        "from numpy import load; load(path, allow_pickle=flag)",
        "import subprocess; subprocess.run('ls', shell=True)",
        "from subprocess import Popen; Popen('ls', shell=1)",
    ],
)
def test_dangers_are_seen(source):
    assert list(dangers(source))


@pytest.mark.parametrize(
    "source",
    [
        "module.eval()",
        "import re; re.compile('a')",
        "import torch; torch.compile(module)",
        "def fit(compile=False): return net(compile=compile)",
        "import pickle; pickle.dumps(value)",
        "import torch; torch.load(path, weights_only=True)",
        "import numpy as np; np.load(path)",
        "import numpy as np; np.load(path, allow_pickle=False)",
        "import subprocess; subprocess.run(['ls'])",
        "import json; json.load(file)",
        "selector.load(path)",
    ],
)
def test_what_is_harmless_passes(source):
    assert list(dangers(source)) == []


# What asks for an address or a connection is remembered, for whoever swallows the error.
GUARD = """
import socket

asked = []


def refuse(*args, **kwargs):
    asked.append(args)
    raise OSError("no network here")


for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
for name in ("create_connection", "getaddrinfo", "gethostbyname"):
    setattr(socket, name, refuse)
"""
FIT = """
import importlib
from skd2ace import CLIFClassifier
from skd2ace.datasets import load_yeast
from skd2ace.selection import D2ACE

for name in {packages}:
    importlib.import_module(name)
X, Y = load_yeast(return_X_y=True)
est = CLIFClassifier(batch_selector=D2ACE(warmup_epochs=1), max_epochs=3, verbose=0)
assert est.fit(X[:200], Y[:200]).predict(X).shape == Y.shape
"""
ASKING = {
    "an address": "socket.getaddrinfo('localhost', 80)",
    "a connection": "socket.create_connection(('127.0.0.1', 9))",
    "a socket": "socket.socket().connect(('127.0.0.1', 9))",
    "a page": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
}


def run_guarded(code):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", f"{GUARD}\n{code}\nassert not asked, asked\n"]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_import_and_fit_need_no_network():
    modules = pkgutil.iter_modules(skd2ace.__path__, "skd2ace.")
    packages = [module.name for module in modules if "._" not in module.name]
    assert "skd2ace.selection" in packages
    child = run_guarded(FIT.format(packages=packages))
    assert child.returncode == 0, child.stderr


@pytest.mark.parametrize("what", ASKING)
def test_the_guard_sees_who_asks_for(what):
    child = run_guarded(ASKING[what])
    assert "no network here" in child.stderr
    swallowed = run_guarded(f"try:\n    {ASKING[what]}\nexcept OSError:\n    pass")
    assert child.returncode == swallowed.returncode == 1
    assert "AssertionError" in swallowed.stderr
