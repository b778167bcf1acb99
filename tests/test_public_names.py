"""No public class is forgotten: by README or docs, nor by the benchmark's names."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from torch import nn

import skd2ace
from skd2ace import classifier, networks, selection
from skd2ace.benchmark.run._methods import NETWORKS, SELECTORS
from skd2ace.classifier._published import PublishedNetClassifier

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs/selectors").glob("*.md"),
]
PACKAGES = ["skd2ace"] + [
    f"skd2ace.{package.name}"
    for package in pkgutil.iter_modules(skd2ace.__path__)
    if package.ispkg and not package.name.startswith("_")
]


def public_classes(module):
    names = [name for name in module.__all__ if inspect.isclass(getattr(module, name))]
    return {name: getattr(module, name) for name in names}


@pytest.fixture(scope="module")
def words():
    text = " ".join(page.read_text(encoding="utf-8") for page in PAGES)
    return set(re.findall(r"\w+", text))


@pytest.mark.parametrize("package", PACKAGES)
def test_readme_or_docs_have_every_class(package, words):
    assert not set(public_classes(importlib.import_module(package))) - words


def rows_of(page):
    """First cells of the tables of a page, without the package's name and calls."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return set(re.findall(r"^\| \[?`(?:skd2ace\.)?(?:\w+\.)?(\w+)`", text, re.M))


def named(classes):
    return sorted(cls.__name__ for cls in classes)


def in_files(package, kind):
    """Classes of a kind that stand in a package's files, but for bases of others."""
    for file in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{file.name}")
    found, bases = set(), set()
    waiting = [kind]
    while waiting:
        cls = waiting.pop()
        below = [sub for sub in cls.__subclasses__() if sub.__module__.startswith(package.__name__)]
        waiting += below
        (bases if below else found).add(cls)
    return found


SELECTORS_THERE = in_files(selection, selection.BatchSelector)
ESTIMATORS_THERE = in_files(classifier, PublishedNetClassifier)
NETWORKS_THERE = {cls._network for cls in ESTIMATORS_THERE}


def test_what_stands_in_a_file_is_exported():
    missing = SELECTORS_THERE - set(public_classes(selection).values())
    missing |= NETWORKS_THERE - set(public_classes(networks).values())
    missing |= ESTIMATORS_THERE - set(public_classes(skd2ace).values())
    assert not missing, f"not in __all__: {named(missing)}"


def test_readme_has_a_row_of_each():
    missing = {cls.__name__ for cls in SELECTORS_THERE | ESTIMATORS_THERE} - rows_of("README.md")
    assert not missing, f"README's table lacks {sorted(missing)}"


def test_the_page_of_selectors_has_a_row_of_each():
    missing = {cls.__name__ for cls in SELECTORS_THERE} - rows_of("docs/selectors/index.md")
    assert not missing, f"docs/selectors/index.md's table lacks {sorted(missing)}"


def test_the_benchmark_has_every_selector():
    # None is plain shuffling.
    there = {type(make() or selection.RandomBatches()) for make in SELECTORS.values()}
    missing = SELECTORS_THERE - there
    assert not missing, f"SELECTORS lacks {named(missing)}"


def test_the_benchmark_has_every_network():
    # An MLP is TabM with one member.
    there = {make().module for make in NETWORKS.values()} | {networks.MLP}
    public = {cls for cls in public_classes(networks).values() if issubclass(cls, nn.Module)}
    # Losses are none, and heads of backbones are of images.
    public = {cls for cls in public if "n_features" in inspect.signature(cls).parameters}
    missing = (public | NETWORKS_THERE) - there
    assert not missing, f"NETWORKS lacks {named(missing)}"
