"""The benchmark's tables: a build ends where docs/benchmark.md differs from the kept fits.

They are also drawn, for the first page.
"""

import importlib.util
from pathlib import Path

from sphinx.errors import ExtensionError

DOCS = Path(__file__).parents[1]
EXAMPLES = DOCS.parent / "examples"


def load(path):
    """Import a script of the examples, which are no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_tables(app):
    """Compare the page with what examples/benchmarks/tables.py makes of the fits."""
    tables = load(EXAMPLES / "benchmarks" / "tables.py")
    if tables.make_page() not in (DOCS / "benchmark.md").read_text(encoding="utf-8"):
        raise ExtensionError(
            "docs/benchmark.md does not show docs/results: python examples/benchmarks/tables.py"
            " --write"
        )


def draw_tables(app):
    """Draw the table of tables into the folder of static files."""
    drawing = load(EXAMPLES / "gallery" / "plot_01_table_of_tables.py")
    folder = DOCS / "_static" / "made"
    folder.mkdir(exist_ok=True)
    drawing.draw(folder / "tables.png")


def setup(app):
    """Register both."""
    app.connect("builder-inited", check_tables, priority=100)
    app.connect("builder-inited", draw_tables, priority=101)
    return {"parallel_read_safe": True}
