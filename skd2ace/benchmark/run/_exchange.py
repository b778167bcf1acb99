"""Fits as lines of text, to be kept with a project and taken up by another store."""

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ._keys import Key
from ._store import Store

_FORMAT = "fits of skd2ace.benchmark"


def export_fits(store: Store, path: str | os.PathLike[str]) -> int:
    """Write all fits of a store to a file of JSON lines.

    Parameters
    ----------
    store : Store
    path : str or path
        An existing file is replaced; one that ends in ``.gz`` is compressed.

    Returns
    -------
    int
        How many fits were written.
    """
    digests, fits = store.dump()
    with _open(path, "wt") as file:
        print(json.dumps({"format": _FORMAT, "data": digests}), file=file)
        for key, record in fits:
            print(json.dumps([key, record]), file=file)
    return len(fits)


def import_fits(store: Store, path: str | os.PathLike[str]) -> int:
    """Take into a store those fits of a file that it has not.

    Parameters
    ----------
    store : Store
    path : str or path
        What :func:`export_fits` wrote.

    Returns
    -------
    int
        How many fits were taken.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is another kind of file or not whole, or the store has fits of other data by one of
        its names.
    """
    digests, fits = _read(path)
    for dataset, digest in digests.items():
        store.identify(dataset, digest)
    return store.write_many(fits)


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, str], list[tuple[Key, dict[str, Any]]]]:
    with _open(path, "rt") as file:
        try:
            head, *lines = map(json.loads, file)
            if head["format"] != _FORMAT:
                raise ValueError(f"it is of the format {head['format']!r}")
            return dict(head["data"]), [(Key(*key), dict(record)) for key, record in lines]
        # A compressed file that is not whole ends in an EOFError, and a damaged one in zlib's.
        except (ValueError, TypeError, LookupError, OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is no file of exported fits: {error}") from error


@contextmanager
def _open(path: str | os.PathLike[str], mode: str) -> Iterator[IO[str]]:
    opened: Callable[..., Any] = gzip.open if Path(path).suffix == ".gz" else open
    with opened(path, mode, encoding="utf-8") as file:
        yield file
