"""No public class is forgotten: by README or docs, nor by the benchmark's names."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from torch import nn

import skd2ace
from skd2ace import networks, selection
from skd2ace.benchmark.run._methods import NETWORKS, SELECTORS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
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


def test_the_benchmark_has_every_selector():
    # None is plain shuffling.
    named = {type(make() or selection.RandomBatches()) for make in SELECTORS.values()}
    public = set(public_classes(selection).values()) - {selection.BatchSelector}
    assert not public - named


def test_the_benchmark_has_every_network():
    named = {make().module for make in NETWORKS.values()}
    public = {cls for cls in public_classes(networks).values() if issubclass(cls, nn.Module)}
    assert not public - named
