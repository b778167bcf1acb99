"""What a report is made of, whatever the format."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Heading:
    """A title (level 1) or the head of a section (level 2)."""

    text: str
    level: int = 2


@dataclass
class Text:
    """A paragraph."""

    text: str


@dataclass
class Items:
    """A list of things that are alike."""

    texts: Sequence[str]


@dataclass
class Table:
    """Cells as text; the first column names the rows.

    ``title`` names it where its section's head is not beside it, ``caption`` says how it is to be
    read, and ``label`` tells it from the other tables of a document.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    bold: set[tuple[int, int]] = field(default_factory=set)
    title: str = field(kw_only=True)
    label: str = field(kw_only=True)
    caption: str = field(default="", kw_only=True)


@dataclass
class Picture:
    """A PNG, for the format that can hold it."""

    png: bytes
    caption: str

    @property
    def source(self) -> str:
        """The picture itself, where a page names a file."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


Block = Heading | Text | Items | Table | Picture
