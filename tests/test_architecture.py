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


def methods(cls):
    """The functions of a class that are handed an instance, with the name they know it by."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    except (OSError, TypeError):
        # Written in C.
        return
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.args.args:
            kinds = {getattr(decorator, "id", "") for decorator in node.decorator_list}
            if not kinds & {"classmethod", "staticmethod"}:
                yield node, node.args.args[0].arg


def by_name(node, me):
    """The name in ``getattr(self, "x")``, ``vars(self).pop("x")``, ``vars(self)["x"]``."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in LOOKUPS and node.args:
        owner, *names = node.args
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("pop", "get"):
        owner, names = node.func.value, node.args
        owner = owner.args[0] if isinstance(owner, ast.Call) and owner.args else None
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Call):
        owner, names = (node.value.args or [None])[0], [node.slice]
    else:
        return None
    if getattr(owner, "id", None) != me or not names or not isinstance(names[0], ast.Constant):
        return None
    return names[0].value


LOOKUPS = ("getattr", "hasattr", "setattr", "delattr")
# By which a network gives itself what it does not assign.
REGISTERS = ("register_buffer", "register_parameter", "register_module", "add_module")


@cache
def used_and_stored(cls):
    """Names that a class's own methods take from the instance, and those that they give it."""
    used, stored = set(), set()
    for method, me in methods(cls):
        changed = {node.target for node in ast.walk(method) if isinstance(node, ast.AugAssign)}
        for node in ast.walk(method):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == me:
                is_given = isinstance(node.ctx, ast.Store) and node not in changed
                (stored if is_given else used).add(node.attr)
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in REGISTERS:
                names = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "name")]
                stored |= {name.value for name in names if isinstance(name, ast.Constant)}
            elif (name := by_name(node, me)) is not None:
                is_given = getattr(getattr(node, "func", None), "id", "") == "setattr"
                (stored if is_given else used).add(name)
    return used, stored


def defined_by(cls):
    return set(vars(cls)) | used_and_stored(cls)[1]


def is_method(thing):
    return inspect.isfunction(thing) or isinstance(thing, (property, classmethod, staticmethod))


def borrowed(cls, classes=()):
    """Names that a class takes from ``self`` and that neither it nor an ancestor defines.

    An annotation defines values that classes below are to have, as in a NamedTuple, but is an
    empty promise of what is a method of a class below, or stored by one.
    """
    known = set().union(*map(defined_by, cls.__mro__), dir(cls))
    below = [other for other in classes if cls in other.__mro__[1:]]
    promised = set().union(*(getattr(base, "__annotations__", {}) for base in cls.__mro__))
    kept = promised - set().union(*(used_and_stored(other)[1] for other in below))
    kept -= {name for other in below for name, thing in vars(other).items() if is_method(thing)}
    return used_and_stored(cls)[0] - known - kept


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_self_points_downwards(cls):
    assert borrowed(cls, CLASSES) == set(), (
        "what a class uses, it or a class that it is built upon defines"
    )


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_classes_stand_in_lines(cls):
    ours = [base for base in cls.__bases__ if base in CLASSES]
    assert len(ours) <= 1, "of ours, a class is built upon one other only"


def test_what_is_borrowed_is_found():
    class Left:
        promised: int
        both: int

        def begin(me):  # noqa: N805
            me.n_begun += 1
            vars(me).pop("popped", None)
            return me.end(), me.both(), getattr(me, "named"), me.promised  # noqa: B009

    class Right:
        plain: int

        def end(self):
            self.ended = True
            return self.plain

    class Child(Left, Right):
        def both(self):
            self.n_begun, self.named, self.promised = 0, 1, 2
            return self.begin(), self.ended, self.started

    assert borrowed(Left, [Child]) == {
        "n_begun", "popped", "end", "both", "named", "promised",
    }  # fmt: skip
    assert borrowed(Right, [Child]) == set()
    assert borrowed(Child) == {"started"}


@pytest.mark.parametrize("package", sorted(p for p in LAYERS if (ROOT / p).is_dir()))
def test_public_names_are_listed(package):
    module = __import__(f"skd2ace.{package}", fromlist=["__all__"])
    assert sorted(set(module.__all__)) == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
