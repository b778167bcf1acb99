"""The formats of a report."""

from collections.abc import Callable, Sequence

from ._blocks import Block
from ._html import write_html
from ._latex import write_latex
from ._markdown import write_markdown

FORMATS: dict[str, Callable[[Sequence[Block], str], str]] = {
    "markdown": write_markdown,
    "html": write_html,
    "latex": write_latex,
}


def check_format(format: str) -> None:
    """Raise a ValueError if there is no such format."""
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {format!r}.")
