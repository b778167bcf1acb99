"""Reports as a page of HTML."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from ._blocks import Block


def write_html(blocks: Sequence[Block], title: str) -> str:
    """Write one file that needs nothing beside it."""
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("report.html.jinja")
    return template.render(title=title, blocks=[(type(block).__name__, block) for block in blocks])
