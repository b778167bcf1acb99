"""The lines of an ARFF file, one after the other, so that blank ones and comments cost nothing."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ._arff_header import ArffError, Line
from ._arff_source import Source, opened_bytes, too_large

# Two million cells of eight characters. What a line is split into takes 20 times its size.
_MAX_LINE = 2**24
_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@contextmanager
def opened(source: Source, max_bytes: int, encoding: str) -> Iterator[Iterator[Line]]:
    """Open a file for what it holds beside blank lines and comments.

    Parameters
    ----------
    source : Source
        An open text file is read from where it stands, and left open.
    max_bytes : int
        A file that is larger, or unpacks to more, is refused; of an open text file, characters
        are counted.
    encoding : str
        Of a binary file that does not begin like one in UTF-16 or UTF-32.

    Yields
    ------
    iterator of (int, str)
        Numbers of the lines, from 1, and lines without white space at their ends. It raises
        ArffError where the archive is damaged, a line is too long or the file too large, and
        UnicodeDecodeError where the encoding is another.
    """
    if source.text is not None:
        yield _meaningful(source.text, source.path, max_bytes)
        return
    with opened_bytes(source, max_bytes) as (start, file):
        encoding = _find_wide_encoding(start) or encoding
        with io.TextIOWrapper(file, encoding) as text:
            yield _meaningful(text, source.path, max_bytes)


def _find_wide_encoding(start: bytes) -> str | None:
    """Find out from the first four bytes whether characters have two bytes or four."""
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    # Without a mark: a file begins with @, % or white space, which are ASCII.
    if len(start) == 4 and bool(start[0]) != bool(start[1]) and bool(start[2]) != bool(start[3]):
        return "utf-16-le" if start[0] else "utf-16-be"
    return None


def _meaningful(text: Any, path: Path, max_bytes: int) -> Iterator[Line]:
    n_read = 0
    for number, line in enumerate(iter(partial(text.readline, _MAX_LINE + 1), ""), 1):
        if len(line) > _MAX_LINE:
            raise ArffError(path, number, f"the line is longer than {_MAX_LINE} characters")
        n_read += len(line)
        if n_read > max_bytes:
            raise too_large(path, max_bytes)
        stripped = line.strip()
        if number == 1:
            # A text file opened as UTF-8 keeps its mark.
            stripped = stripped.removeprefix("\ufeff").lstrip()
        if stripped and stripped[0] != "%":
            yield number, stripped
