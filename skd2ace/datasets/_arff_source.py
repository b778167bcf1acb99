"""Where an ARFF file comes from: a path, packed or not, or a file that is open already."""

import bz2
import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ._arff_header import ArffError

_NOT_READ = frozenset((".7z", ".rar", ".tar", ".tgz", ".z", ".zst", ".lzma"))
PACKED = (".gz", ".bz2", ".xz", ".zip")
"""Endings of the archives that are read."""
# A zip's list of its files is read in one go, and takes ten times its size.
_MAX_DIRECTORY = 2**20
# What xz -9 takes is a quarter of it; a small file may ask for gigabytes.
_MAX_XZ_MEMORY = 2**28
_CHUNK = 2**16
# As many bytes tell UTF-16 and UTF-32 from others.
_N_START = 4


class Source(NamedTuple):
    """What is read: a file in a folder, or one that is open."""

    path: Path
    """Of an open file without a name, what errors call it."""
    is_in_folder: bool
    text: Any = None
    """The user's text file."""
    content: bytes | None = None
    """What the user's binary file held."""


def find_source(file: Any, max_bytes: int) -> Source:
    """Say what a path or an open file is.

    Parameters
    ----------
    file : str, path or file object
        A binary file is read to its end; of a text file, nothing is.
    max_bytes : int

    Returns
    -------
    Source

    Raises
    ------
    ArffError
        If a binary file is larger.
    TypeError
        If it is none of these.
    """
    if not hasattr(file, "read"):
        if not isinstance(file, (str, os.PathLike)):
            raise TypeError(f"path must be a path or an open file, got {file!r}.")
        return Source(Path(file), True)
    name = getattr(file, "name", None)
    path, is_in_folder = Path(f"<{type(file).__name__}>"), False
    if isinstance(name, (str, os.PathLike)) and Path(name).is_file():
        path, is_in_folder = Path(name), True
    if isinstance(file.read(0), str):
        return Source(path, is_in_folder, text=file)
    content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise too_large(path, max_bytes)
    return Source(path, is_in_folder, content=content)


def name_unpacked(path: Path) -> str:
    """Name of a file without the ending of its archive."""
    return path.stem if path.suffix.lower() in PACKED else path.name


@contextmanager
def opened_bytes(source: Source, max_bytes: int) -> Iterator[tuple[bytes, io.BufferedReader]]:
    """Open what is no text yet, unpacked.

    Parameters
    ----------
    source : Source
        Without ``text``.
    max_bytes : int
        A file that is larger, or unpacks to more, is refused.

    Yields
    ------
    start : bytes
        The first four bytes, or what there is; they are read again.
    file : BufferedReader
        It raises ArffError where the archive is damaged or the file too large.

    Raises
    ------
    ArffError
        If it is an archive of another kind, or a zip without exactly one ARFF file.
    """
    path = source.path
    kind = path.suffix.lower()
    if kind in _NOT_READ:
        problem = f"archives of this kind are not read, only {', '.join(PACKED)}: unpack it"
        raise ArffError(path, None, problem)
    with ExitStack() as stack:
        packed: Any = path.open("rb") if source.content is None else io.BytesIO(source.content)
        stack.enter_context(packed)
        if kind == ".zip":
            unpacked = _open_zipped(packed, path, stack)
        elif kind == ".xz":
            unpacked = _Xz(packed)
        elif kind in PACKED:
            unpacked = stack.enter_context((gzip if kind == ".gz" else bz2).open(packed, "rb"))
        else:
            unpacked = packed
        bounded = _Bounded(unpacked, path, max_bytes)
        start = bounded.read_start()
        yield start, stack.enter_context(io.BufferedReader(bounded, _CHUNK))


def _open_zipped(packed: Any, path: Path, stack: ExitStack) -> Any:
    """Open the only ARFF file of a zip."""
    try:
        archive = stack.enter_context(zipfile.ZipFile(_SmallReads(packed)))
        # macOS puts a shadow of each file into the archive.
        names = [
            name
            for name in archive.namelist()
            if name.lower().endswith(".arff") and not name.startswith("__MACOSX/")
        ]
        if len(names) == 1:
            return stack.enter_context(archive.open(names[0]))
    except (zipfile.BadZipFile, ValueError, OverflowError, EOFError, OSError) as error:
        raise _damaged(path, error) from None
    except (RuntimeError, NotImplementedError) as error:
        # Encrypted, or packed by a method that zipfile does not know.
        raise ArffError(path, None, f"the zip cannot be unpacked: {error}") from None
    listed = ": " + ", ".join(names[:5]) if names else ""
    problem = f"the zip holds {len(names)} ARFF files{listed}; it must be one"
    raise ArffError(path, None, problem[:300])


class _SmallReads:
    """A file for ``zipfile``, which never needs much of it at a time."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > _MAX_DIRECTORY:
            raise zipfile.BadZipFile("its directory is absurdly large")
        content: bytes = self._file.read(size)
        return content


class _Xz:
    """An xz file that takes no more memory than is sensible, which ``lzma.open`` cannot be told."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._unpacker = self._make_unpacker()

    @staticmethod
    def _make_unpacker() -> Any:
        import lzma  # some builds of Python have none

        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_XZ_MEMORY)

    def read(self, size: int) -> bytes:
        while True:
            packed = b""
            if self._unpacker.eof:
                # Another stream may follow, after zeros that pad the file.
                packed = self._unpacker.unused_data.lstrip(b"\0") or self._file.read(_CHUNK)
                packed = packed.lstrip(b"\0")
                if not packed:
                    return b""
                self._unpacker = self._make_unpacker()
            elif self._unpacker.needs_input and not (packed := self._file.read(_CHUNK)):
                raise EOFError("it ends before the end of the stream")
            try:
                content: bytes = self._unpacker.decompress(packed, size)
            except Exception as error:
                # LZMAError, by whose name it could only be caught where lzma exists.
                raise EOFError(str(error)) from None
            if content:
                return content


class _Bounded(io.RawIOBase):
    """A binary file that ends in an error when it gives too much, or turns out to be damaged."""

    def __init__(self, file: Any, path: Path, max_bytes: int) -> None:
        self._file, self._path, self._max_bytes, self._given = file, path, max_bytes, 0
        self._start = b""

    def read_start(self) -> bytes:
        # Not by BufferedReader.peek, after which a TextIOWrapper takes twice the memory.
        while len(self._start) < _N_START and (more := self._take(_N_START - len(self._start))):
            self._start += more
        return self._start

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content, self._start = self._start[: len(buffer)], self._start[len(buffer) :]
        content = content or self._take(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def _take(self, size: int) -> bytes:
        try:
            content: bytes = self._file.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            raise _damaged(self._path, error) from None
        except OSError as error:
            # bz2 says that its data are invalid with a bare OSError.
            if error.errno is not None:
                raise
            raise _damaged(self._path, error) from None
        self._given += len(content)
        if self._given > self._max_bytes:
            raise too_large(self._path, self._max_bytes)
        return content


def _damaged(path: Path, error: Exception) -> ArffError:
    return ArffError(path, None, f"the archive is damaged or cut short: {error}")


def too_large(path: Path, max_bytes: int) -> ArffError:
    """Make the error for a file that is, or unpacks to, more than is allowed."""
    return ArffError(path, None, f"the file holds more than {max_bytes} bytes (`max_bytes`)")
