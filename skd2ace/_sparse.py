"""The little that torch's CSR tensors lack: making them quietly, and gathering dense rows."""

import warnings

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

# Torch says once in a process that CSR is in beta, about which a user of ours can do nothing: it
# says so here and to nobody. Not in each fit: what silences warnings does so for all threads, and
# two that do it at once can leave it that way.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)
    torch.zeros(1, 1, device="cpu").to_sparse_csr()


def csr_from_scipy(matrix: sp.csr_array) -> Tensor:
    """Turn a scipy CSR matrix into a torch CSR tensor of int64 indices."""
    matrix = sp.csr_array(matrix)
    return torch.sparse_csr_tensor(
        torch.from_numpy(matrix.indptr.astype(np.int64)),
        torch.from_numpy(matrix.indices.astype(np.int64)),
        torch.from_numpy(np.array(matrix.data)),
        size=matrix.shape,
        check_invariants=False,
    )


def csr_from_dense(matrix: Tensor) -> Tensor:
    """Turn a dense tensor into a CSR tensor of its nonzeros."""
    return matrix.to_sparse_csr()


def csr_select(matrix: Tensor, index: Tensor) -> Tensor:
    """Rows ``index`` of a CSR matrix, as a CSR matrix."""
    starts = matrix.crow_indices()
    lengths = starts.diff()[index]
    ends = torch.cat((lengths.new_zeros(1), lengths.cumsum(0)))
    row_starts = torch.repeat_interleave(starts[index] - ends[:-1], lengths)
    place = row_starts + torch.arange(len(row_starts), device=index.device)
    return torch.sparse_csr_tensor(
        ends,
        matrix.col_indices()[place],
        matrix.values()[place],
        size=(len(index), matrix.shape[1]),
        check_invariants=False,
    )


def gather_rows(matrix: Tensor, index: Tensor, max_nonzeros: int | None = None) -> Tensor:
    """Rows ``index`` of a dense or CSR matrix, as a dense tensor on the matrix's device.

    ``max_nonzeros``, the number of entries in the fullest row of a CSR matrix, spares a look at
    the data: every row is read as if it were that long, so that no size depends on the values
    and a GPU need not be waited for.
    """
    if matrix.layout is torch.strided:
        return matrix.index_select(0, index)
    starts, columns, values = matrix.crow_indices(), matrix.col_indices(), matrix.values()
    if max_nonzeros is None:
        max_nonzeros = row_lengths_max(matrix)
    dense = values.new_zeros(len(index), matrix.shape[1])
    if max_nonzeros == 0:
        return dense
    first, end = starts[index], starts[index + 1]
    place = first[:, None] + torch.arange(max_nonzeros, device=index.device)
    inside = place < end[:, None]
    place = place.clamp_(max=len(values) - 1)
    # What is read past a row's end adds 0 to some column of that row.
    return dense.scatter_add_(1, columns[place], values[place] * inside)


def row_lengths_max(matrix: Tensor) -> int:
    """Entries in the fullest row of a CSR matrix."""
    lengths = matrix.crow_indices().diff()
    return int(lengths.max()) if len(lengths) else 0
