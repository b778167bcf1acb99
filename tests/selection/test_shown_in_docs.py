"""The selector that the docs show is typed as the package is."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_mypy_has_nothing_to_say(tmp_path):
    (code,) = runpy.run_path(str(HERE / "discovery.py"))["shown_code"]()
    page = tmp_path / "selector_of_the_docs.py"
    page.write_text(code, encoding="utf-8")
    child = subprocess.run(
        [sys.executable, "-m", "mypy", str(page)],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stdout + child.stderr
