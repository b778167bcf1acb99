"""What is installed is whole: every file of the package, and README's code runs with it.

    python -I .ci/installed.py [--files]

for the Python whose skd2ace is to be looked at; with ``--files`` the files only. They are compared
with the sources around this script, which ``-I`` keeps from being imported.
"""

import os
import re
import runpy
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

import skd2ace
from skd2ace.benchmark import Experiment, make_methods, published, report

ROOT = Path(__file__).resolve().parents[1]


def files_of(package):
    """Paths of all files of a package."""
    files = (path.relative_to(package) for path in package.rglob("*") if path.is_file())
    return {str(path) for path in files if "__pycache__" not in path.parts}


def check_files():
    """Compare what is installed with the sources: files and version."""
    installed = Path(skd2ace.__file__).parent
    assert ROOT not in installed.parents, f"{installed} is the source"
    assert files_of(installed) == files_of(ROOT / "skd2ace")
    (stated,) = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version("skd2ace") == skd2ace.__version__ == stated
    print(f"skd2ace {stated}: {len(files_of(installed))} files in {installed}")


def run_readme():
    """Run README's Python from top to bottom, each training cut to two epochs."""
    skd2ace.MultiLabelNetClassifier.__init__.__kwdefaults__["max_epochs"] = 2
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    assert blocks
    Path("readme.py").write_text("\n".join(blocks))
    runpy.run_path("readme.py")


def write_report():
    """Write up an experiment, which reads files that are not Python."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 8))
    methods = make_methods([], [], ["logistic-regression", "mlknn"])
    experiment = Experiment({"d": (X, (X[:, :3] > 0).astype(int))}, methods, 3, store="store")
    html = report(experiment.run(progress=False), format="html")
    assert "<style" in html
    assert "logistic-regression" in html
    assert len(published())


if __name__ == "__main__":
    check_files()
    if sys.argv[1:] != ["--files"]:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            run_readme()
            write_report()
        print("README's code and a report ran")
