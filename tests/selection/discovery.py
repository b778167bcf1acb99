"""All selectors there are: those of the package, and those that the docs show.

Run by path, since tests are no package: ``runpy.run_path(...)["CLASSES"]``.
"""

import inspect
import re
import sys
import types
from pathlib import Path

import skd2ace.selection
from skd2ace.selection import BatchSelector

PAGE = Path(__file__).parents[2] / "docs" / "selectors" / "own.md"


def shown_code():
    """Blocks of the page that define a selector."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return [block for block in blocks if "(BatchSelector):" in block]


def shown_classes():
    """The classes of those blocks, in a module where pickle finds them."""
    module = sys.modules.setdefault("docs_selectors", types.ModuleType("docs_selectors"))
    if not selectors_in(module):
        for block in shown_code():
            exec(block, vars(module))
    return selectors_in(module)


def selectors_in(module):
    found = (value for _, value in sorted(vars(module).items()) if inspect.isclass(value))
    return [cls for cls in found if issubclass(cls, BatchSelector) and cls is not BatchSelector]


PUBLIC = selectors_in(skd2ace.selection)
SHOWN = shown_classes()
CLASSES = PUBLIC + SHOWN
