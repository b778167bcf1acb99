"""Imports and ``self`` point downwards only, and the layers below know no more than they should."""

import ast
import importlib
import inspect
import textwrap
from functools import cache
from pathlib import Path

import pytest

import skd2ace

ROOT = Path(skd2ace.__file__).parent
SIBLINGS = (
    "networks",
    "selection",
    "datasets",
    "metrics",
    "model_selection",
    "preprocessing",
    "neighbors",
)
# A package may import what stands below it; of siblings, none may import another.
LAYERS = dict.fromkeys(SIBLINGS, 1) | {
    "training": 2,
    "classifier": 3,
    "inspection": 4,
    "benchmark": 5,
}
FILES = sorted(ROOT.rglob("*.py"))


def imported(path):
    """Absolute names of the modules that a file imports, relative imports resolved."""
    package = (ROOT.name, *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *filter(None, [node.module]))
            # What is imported from a package may be a module of it.
            yield from (".".join((*module, alias.name)) for alias in node.names)


def part_of(module):
    """The package of a module of ours: '' for helpers at the root, None for others' modules."""
    names = module.split(".")
    if names[0] != "skd2ace":
        return None
    return names[1] if len(names) > 1 and names[1] in LAYERS else ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path):
    parts = path.relative_to(ROOT).parts
    if parts == ("__init__.py",):
        return
    home = parts[0] if parts[0] in LAYERS else ""
    for module in imported(path):
        target = part_of(module)
        if target is not None and target != home:
            assert LAYERS.get(target, 0) < LAYERS.get(home, 0), f"{path.name} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_who_knows_whom(path):
    parts = path.relative_to(ROOT).parts
    for module in imported(path):
        if module.split(".")[0] == "skorch":
            assert parts[0] in ("training", "classifier"), "only these two know skorch"
        if module.startswith("sklearn") and "._" in module:
            assert parts == ("_sklearn.py",), "private parts of scikit-learn stand in one file"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_thing(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def classes_of_ours():
    """All classes that the package defines at the top of a file."""
    for path in FILES:
        if path.name == "__main__.py":
            continue
        name = ".".join((ROOT.name, *path.relative_to(ROOT).with_suffix("").parts))
        module = importlib.import_module(name.removesuffix(".__init__"))
        own = (thing for thing in vars(module).values() if inspect.isclass(thing))
        yield from (cls for cls in own if cls.__module__ == module.__name__)


CLASSES = list(classes_of_ours())


def is_of_self(node):
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def source(cls):
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        # Written in C.
        return ast.Module([], [])


@cache
def defined_by(cls):
    """Names of what a class itself gives its instances, buffers of networks among them."""
    nodes = list(ast.walk(source(cls)))
    stored = {n.attr for n in nodes if is_of_self(n) and isinstance(n.ctx, ast.Store)}
    buffers = {
        n.args[0].value
        for n in nodes
        if isinstance(n, ast.Call)
        and getattr(n.func, "attr", None) == "register_buffer"
        and isinstance(n.args[0], ast.Constant)
    }
    return set(vars(cls)) | set(getattr(cls, "__annotations__", {})) | stored | buffers


def borrowed(cls):
    """Names that a class takes from ``self`` and that neither it nor an ancestor defines."""
    known = set().union(*map(defined_by, cls.__mro__), dir(cls))
    used = {n.attr for n in ast.walk(source(cls)) if is_of_self(n) and isinstance(n.ctx, ast.Load)}
    return used - known


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_self_points_downwards(cls):
    assert borrowed(cls) == set(), "what a class uses, it or a class that it is built upon defines"


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_classes_stand_in_lines(cls):
    ours = [base for base in cls.__bases__ if base in CLASSES]
    assert len(ours) <= 1, "of ours, a class is built upon one other only"


def test_what_a_sibling_borrows_is_found():
    class Left:
        def begin(self):
            return self.end()

    class Right:
        def end(self):
            self.ended = True

    class Child(Left, Right):
        def both(self):
            return self.begin(), self.ended, self.started

    assert borrowed(Left) == {"end"}
    assert borrowed(Right) == set()
    assert borrowed(Child) == {"started"}


@pytest.mark.parametrize("package", sorted(p for p in LAYERS if (ROOT / p).is_dir()))
def test_public_names_are_listed(package):
    module = __import__(f"skd2ace.{package}", fromlist=["__all__"])
    assert sorted(set(module.__all__)) == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
