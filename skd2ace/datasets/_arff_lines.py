"""The lines of an ARFF file, one after the other, so that blank ones and comments cost nothing."""

import bz2
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ._arff_header import ArffError, Line

# Two million cells of eight characters. What a line is split into takes 20 times its size.
_MAX_LINE = 2**24
_BUFFER = 2**16


@contextmanager
def opened(path: Path, max_bytes: int, encoding: str) -> Iterator[Iterator[Line]]:
    """Open a plain or compressed file for what it holds beside blank lines and comments.

    Parameters
    ----------
    path : path
    max_bytes : int
        A file that is larger, or unpacks to more, is refused.
    encoding : str

    Yields
    ------
    iterator of (int, str)
        Numbers of the lines, from 1, and lines without white space at their ends. It raises
        ArffError where the archive is damaged, a line is too long or the file too large, and
        UnicodeDecodeError where the encoding is another.
    """
    opener: Any = {".gz": gzip.open, ".bz2": bz2.open}.get(path.suffix.lower(), open)
    with ExitStack() as stack:
        raw = _Bounded(stack.enter_context(opener(path, "rb")), path, max_bytes)
        text = io.TextIOWrapper(io.BufferedReader(raw, _BUFFER), encoding)
        yield _meaningful(stack.enter_context(text), path)


def _meaningful(text: io.TextIOWrapper, path: Path) -> Iterator[Line]:
    for number, line in enumerate(iter(partial(text.readline, _MAX_LINE + 1), ""), 1):
        if len(line) > _MAX_LINE:
            raise ArffError(path, number, f"the line is longer than {_MAX_LINE} characters")
        stripped = line.strip()
        if stripped and stripped[0] != "%":
            yield number, stripped


class _Bounded(io.RawIOBase):
    """A binary file that ends in an error when it gives too much, or turns out to be damaged."""

    def __init__(self, file: Any, path: Path, max_bytes: int) -> None:
        self._file, self._path, self._max_bytes, self._given = file, path, max_bytes, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._file.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._damaged(error) from None
        except OSError as error:
            # bz2 says that its data are invalid with a bare OSError.
            if error.errno is not None:
                raise
            raise self._damaged(error) from None
        self._given += len(content)
        if self._given > self._max_bytes:
            problem = f"the file holds more than {self._max_bytes} bytes (`max_bytes`)"
            raise ArffError(self._path, None, problem)
        buffer[: len(content)] = content
        return len(content)

    def _damaged(self, error: Exception) -> ArffError:
        problem = f"the archive is damaged or cut short: {error}"
        return ArffError(self._path, None, problem)
