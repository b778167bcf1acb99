"""What is stated in several places is the same everywhere: version, and tools that are pinned."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def find(pattern, file):
    return re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("pattern", "file"),
    [
        (r"^version: (.+)$", "CITATION.cff"),
        # Of the newest entry, which stands first.
        (r"^## \[(.+?)\]", "CHANGELOG.md"),
    ],
)
def test_version(pattern, file):
    (stated,) = find(r'^version = "(.+)"$', "pyproject.toml")
    assert find(pattern, file)[0] == stated


@pytest.mark.parametrize("tool", ["ruff", "mypy"])
def test_linters_are_pinned_alike(tool):
    lint = find(r"^lint = \[(.+)\]$", "pyproject.toml")
    (pinned,) = re.findall(rf"\b{tool}==([\d.]+)", lint[0])
    for file in ("pyproject.toml", "constraints.txt", ".pre-commit-config.yaml"):
        assert set(find(rf"\b{tool}==([\d.]+)", file)) <= {pinned}, file
    assert find(rf"\b{tool}==", "constraints.txt")
