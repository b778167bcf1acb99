"""Scores of many instances, some at a time: what is made of all need not exist at once."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from skd2ace._sparse import csr_select

from ._known import keep_known

# Cells (instance, label) that make up one block, and those of a block where there are more. Some
# ten numbers exist at a time for each cell of a block.
_MOST_AT_ONCE = 2**20
_N_CELLS = 2**18

Scores = Tensor | Callable[[slice], Tensor]


class Block(NamedTuple):
    """Some instances: which, their scores and labels, 0 where not known, and what is known."""

    rows: slice
    scores: Tensor
    Y: Tensor
    known: Tensor | None


class ScoreBlocks:
    """Goes through the instances, again and again; scores that are a function are made each time.

    Parameters
    ----------
    scores : Tensor of shape (n, q), or callable
        Given a slice of the instances, their scores.
    Y : Tensor of shape (n, q)
        Dense or sparse CSR.
    known : Tensor of shape (n, q), bool, or None
    """

    def __init__(self, scores: Scores, Y: Tensor, known: Tensor | None) -> None:
        self.scores, self.Y, self.known = scores, Y, known
        self.slices = list(row_blocks(*Y.shape))
        # One block is not worth to be made twice.
        self.only = self._make(self.slices[0]) if len(self.slices) == 1 else None

    def __iter__(self) -> Iterator[Block]:
        if self.only is not None:
            yield self.only
        else:
            yield from map(self._make, self.slices)

    def _make(self, rows: slice) -> Block:
        known = None if self.known is None else self.known[rows]
        scores = self.scores[rows] if isinstance(self.scores, Tensor) else self.scores(rows)
        Y = take_rows(self.Y, rows)
        # Of a sparse Y the entries stand for ones, and are multiplied by scores of 0.
        Y = keep_known(Y, known) if Y.layout is torch.strided else Y
        return Block(rows, keep_known(scores, known), Y, known)


def row_blocks(n: int, q: int) -> Iterator[slice]:
    """Slices of n instances with q labels: all up to a million cells, else parts of a quarter."""
    # Of each block q^2 correlations are made, so that it should not have few rows.
    step = n if n * q <= _MOST_AT_ONCE else max(_N_CELLS // q, q // 8)
    step = max(step, 1)
    return (slice(start, min(start + step, n)) for start in range(0, max(n, 1), step))


def take_rows(matrix: Tensor, rows: slice) -> Tensor:
    """A slice of the rows of a dense or CSR matrix; the matrix itself where that is all."""
    if rows == slice(0, len(matrix)):
        return matrix
    if matrix.layout is torch.strided:
        return matrix[rows]
    return csr_select(matrix, torch.arange(rows.start, rows.stop, device=matrix.device))
