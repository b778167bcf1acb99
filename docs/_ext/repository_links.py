"""Links that are right in the repository, where the pages are read too, lead to the site's pages.

So do the pages that docstrings name.

CONTRIBUTING.md and CHANGELOG.md stand above the folder of the docs and are included.
"""

import re

PAGES = {
    "](../../CONTRIBUTING.md": "](/about/contributing.md",
    "](../CONTRIBUTING.md": "](/about/contributing.md",
    "](CONTRIBUTING.md": "](/about/contributing.md",
    "](CHANGELOG.md": "](/about/changes.md",
    "](../README.md": "](/index.md",
    "](docs/": "](/",
    "](.github/workflows/ci.yml)": "](/../.github/workflows/ci.yml)",
}


def replace_links(text):
    """Replace the beginnings of links."""
    for there, here in PAGES.items():
        text = text.replace(there, here)
    return text


def read_page(app, name, source):
    """Change a page as it is read."""
    source[0] = replace_links(source[0])


def read_included(app, path, page, source):
    """Change what a page includes."""
    source[0] = replace_links(source[0])


def link_pages(app, what, name, thing, options, lines):
    """Make links of the pages that a docstring names."""
    for number, line in enumerate(lines):
        lines[number] = re.sub(r"`*docs/([\w/]+)\.md`*", r":doc:`docs/\1.md </\1>`", line)


def setup(app):
    """Register all three."""
    app.connect("source-read", read_page)
    app.connect("include-read", read_included)
    app.connect("autodoc-process-docstring", link_pages)
    return {"parallel_read_safe": True}
