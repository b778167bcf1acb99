"""Files that are whole or not there, whoever writes, reads or dies meanwhile."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replace_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file that takes its place when the block is left without an error.

    It is written beside its place, brought to the disk and then renamed: whoever looks, and
    whatever dies in between, finds the old file or the new one. Of several threads or processes
    that write to one place, the last to end wins.

    Parameters
    ----------
    path : str or path

    Yields
    ------
    binary file, open for writing
    """
    path = Path(path)
    # A name of its own for each write. Not tempfile: its files are for their owner's eyes only.
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk too, where the system can do that for a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
