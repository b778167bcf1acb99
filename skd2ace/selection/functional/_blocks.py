"""Scores of many instances, some at a time: what is made of all need not exist at once."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from skd2ace._sparse import csr_select

from ._known import keep_known

# Cells (instance, label) that make up one block, and those of a block where there are more.
_MOST_AT_ONCE = 2**20
_N_CELLS = 2**18
# And of a part of a block: some ten numbers exist at a time for each cell that is being scored.
_N_SCORED = 2**16
# No part ends within a vector of the processor, whose last bits are not those of single numbers.
_N_ALIGNED = 64

Scores = Tensor | Callable[[slice], Tensor]


class Block(NamedTuple):
    """Some instances: which, their scores and labels, 0 where not known, and what is known."""

    rows: slice
    scores: Tensor
    Y: Tensor
    known: Tensor | None


class ScoreBlocks:
    """Goes through the instances, again and again; scores that are a function are made each time.

    A block of these is good until the next one is asked for.

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
        # One for all blocks: of memory that is freed the allocator does not take all again.
        self._buffer: Tensor | None = None
        # One block is not worth to be made twice.
        self.only = self._make(self.slices[0]) if len(self.slices) == 1 else None

    def __iter__(self) -> Iterator[Block]:
        if self.only is not None:
            yield self.only
        else:
            yield from map(self._make, self.slices)

    def _make(self, rows: slice) -> Block:
        known = None if self.known is None else self.known[rows]
        given = self.scores
        scores = given[rows] if isinstance(given, Tensor) else self._score(given, rows)
        Y = take_rows(self.Y, rows)
        # Of a sparse Y the entries stand for ones, and are multiplied by scores of 0.
        Y = keep_known(Y, known) if Y.layout is torch.strided else Y
        return Block(rows, keep_known(scores, known), Y, known)

    def _score(self, score: Callable[[slice], Tensor], rows: slice) -> Tensor:
        """Scores of a block, in memory that those of the next one take over."""
        for part in row_parts(rows, self.Y.shape[1]):
            scores = score(part)
            if self._buffer is None:
                self._buffer = scores.new_empty(self.slices[0].stop, self.Y.shape[1])
            self._buffer[part.start - rows.start : part.stop - rows.start] = scores
        assert self._buffer is not None
        return self._buffer[: rows.stop - rows.start]


def row_blocks(n: int, q: int) -> Iterator[slice]:
    """Slices of n instances with q labels: all up to a million cells, else parts of a quarter."""
    # Of each block q^2 correlations are made, so that it should not have few rows.
    step = n if n * q <= _MOST_AT_ONCE else max(_N_CELLS // q, q // 32)
    step = max(step, 1)
    return (slice(start, min(start + step, n)) for start in range(0, max(n, 1), step))


def row_parts(rows: slice, q: int) -> Iterator[slice]:
    """Parts of a slice of instances with q labels, for what is made of each cell alone."""
    step = max(_N_SCORED // (q * _N_ALIGNED), 1) * _N_ALIGNED
    return (
        slice(start, min(start + step, rows.stop))
        for start in range(rows.start, max(rows.stop, 1), step)
    )


def take_rows(matrix: Tensor, rows: slice) -> Tensor:
    """A slice of the rows of a dense or CSR matrix; the matrix itself where that is all."""
    if rows == slice(0, len(matrix)):
        return matrix
    if matrix.layout is torch.strided:
        return matrix[rows]
    return csr_select(matrix, torch.arange(rows.start, rows.stop, device=matrix.device))
