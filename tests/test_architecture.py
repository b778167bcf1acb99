"""Imports point downwards only, and the layers below know no more than they should."""

import ast
from pathlib import Path

import pytest

import skd2ace

ROOT = Path(skd2ace.__file__).parent
SIBLINGS = ("networks", "selection", "datasets", "metrics", "model_selection", "neighbors")
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


@pytest.mark.parametrize("package", sorted(p for p in LAYERS if (ROOT / p).is_dir()))
def test_public_names_are_listed(package):
    module = __import__(f"skd2ace.{package}", fromlist=["__all__"])
    assert sorted(set(module.__all__)) == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)
