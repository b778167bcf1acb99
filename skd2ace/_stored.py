"""Features that stay in a file, of which rows are read when they are wanted."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite
from torch import Tensor

# Bytes of float32 from which on it is worth a warning that all of a file is read.
_LARGE = 1_000_000_000
_ROWS_AT_ONCE = 1024


class StoredFeatures:
    """Rows of an array on the disk: read, made float32 and checked each time they are wanted.

    Parameters
    ----------
    array : ndarray of shape (n, ...)
        Of numbers.
    rows : ndarray of shape (m,), int, optional
        Those of the array that these are; None: all, in their order.
    """

    def __init__(self, array: NDArray[Any], rows: NDArray[np.int64] | None = None) -> None:
        # A plain array: memory maps do more at each indexing.
        self.array = np.asarray(array)
        self.rows = rows

    def __len__(self) -> int:
        return len(self.array if self.rows is None else self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, and shape of each."""
        return len(self), *self.array.shape[1:]

    @property
    def ndim(self) -> int:
        """Number of dimensions, that of the rows among them."""
        return self.array.ndim

    def __getitem__(self, rows: Any) -> Tensor:
        """Features of one row, or of an array of rows, in new memory."""
        return self.read(rows, self.make_room(*np.shape(rows)))

    def make_room(self, *n_rows: int) -> Tensor:
        """Make a tensor for :meth:`read` to fill: of so many rows, or of one without their number.

        To be called by the thread that goes on with it, since each keeps memory of its own.
        """
        return torch.empty(*n_rows, *self.array.shape[1:], dtype=torch.float32)

    def read(self, rows: Any, out: Tensor) -> Tensor:
        """Read one row, or an array of rows, into a tensor, and return that.

        Raises
        ------
        ValueError
            If they are not finite in single precision; names the first row.
        """
        rows = rows if self.rows is None else self.rows[rows]
        # By numpy: torch would start threads for each thread that reads.
        values = out.numpy()
        with np.errstate(over="ignore"):
            values[...] = self.array[rows]
        if not np.isfinite(values).all():
            _refuse(values, np.atleast_1d(rows))
        return out

    def read_many(self, rows: NDArray[np.int64]) -> Tensor:
        """Features of so many rows that they are not in memory twice while they are read."""
        out = self.make_room(len(rows))
        for part in _split(len(rows)):
            self.read(rows[part], out[part])
        return out

    def blocks(self) -> Iterator[Tensor]:
        """Features of all rows, in their order, some at a time."""
        rows = np.arange(len(self))
        return (self[rows[part]] for part in _split(len(self)))

    def select(self, rows: NDArray[np.int64]) -> "StoredFeatures":
        """Some of the rows, which stay where they are."""
        return StoredFeatures(self.array, rows if self.rows is None else self.rows[rows])

    def unread(self) -> NDArray[Any]:
        """All rows as they are stored, neither converted nor checked."""
        return self.array if self.rows is None else self.array[self.rows]

    def warn_of_reading(self, reason: str, remedy: str) -> None:
        """Say that all of a large file is read into memory, and how it is not."""
        n_bytes = 4 * int(np.prod(self.shape))
        if n_bytes >= _LARGE:
            warnings.warn(
                f"{reason}: all of X, {n_bytes / 1e9:.1f} GB, is read into memory. {remedy}",
                stacklevel=2,
            )


def _split(n_rows: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS_AT_ONCE) for start in range(0, n_rows, _ROWS_AT_ONCE))


def open_stored(X: Any) -> Any:
    """Give a memory map of numbers as features that stay in their file; others as they are.

    One in Fortran's order has no rows that lie together, and is read as a whole.
    """
    # What is computed from a memory map may be one by its type.
    is_map = isinstance(X, np.memmap) and not X.flags.owndata
    if is_map and X.ndim > 1 and X.dtype.kind in "biuf" and not X.flags.fnc:
        return StoredFeatures(X)
    return X


def _refuse(values: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
    """Raise scikit-learn's error of what is not finite."""
    try:
        assert_all_finite(values, input_name="X")
    except ValueError as error:
        finite = np.isfinite(values).reshape(len(rows), -1).all(axis=1)
        raise ValueError(f"{error} It is in row {rows[~finite].min()}.") from None
