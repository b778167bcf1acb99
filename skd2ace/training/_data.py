"""Training data as whole tensors, moved to the device once; features may stay in a file."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from skorch.dataset import Dataset
from torch import Tensor
from torch.utils.data import Dataset as AnyDataset
from torch.utils.data import Subset
from torch.utils.data import TensorDataset as TorchDataset

from skd2ace._devices import full_device
from skd2ace._sparse import csr_from_scipy, csr_select, gather_rows, row_lengths_max
from skd2ace._stored import StoredFeatures, open_stored

from ._items import ItemDataset
from ._read_ahead import read_ahead

Placement = Literal["auto", "device", "host"]


class Tensors(NamedTuple):
    """A data set's features and labels, ready to gather batches from."""

    X: Tensor | StoredFeatures
    y: Tensor | None
    max_nonzeros: int | None
    device: torch.device
    cell_weight: Tensor | None = None
    neighbor_features: Tensor | None = None

    def gather(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        """Rows ``index`` (on the device) of X and y, dense and on the device."""
        return self._move(self._read(index), index)

    def load(
        self, batches: Iterable[Tensor], *, ahead: bool
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Gather batch after batch; ``ahead``: from a file some before they are wanted."""
        stored = self.X
        if not (ahead and isinstance(stored, StoredFeatures)):
            return map(self.gather, batches)

        def read(place: tuple[Tensor, Tensor]) -> Tensor:
            index, room = place
            return stored.read(index.cpu().numpy(), room)

        places = ((index, stored.make_room(len(index))) for index in batches)
        return (self._move(X, index) for (index, _), X in read_ahead(read, places))

    def _read(self, index: Tensor) -> Tensor:
        if isinstance(self.X, StoredFeatures):
            return self.X[index.cpu().numpy()]
        return gather_rows(self.X, index.to(self.X.device), self.max_nonzeros)

    def _move(self, X: Tensor, index: Tensor) -> tuple[Tensor, Tensor | None]:
        y = None if self.y is None else self.y.index_select(0, index)
        if X.device != self.device:
            # From pinned memory the copy runs while the device still works on the last step.
            X = X.pin_memory() if self.device.type == "cuda" else X
            X = X.to(self.device, non_blocking=True)
        return X, y


def select_rows(features: Tensor | StoredFeatures, rows: Tensor | None) -> Tensor:
    """Rows (None: all) of features, where these live; sparse ones stay sparse."""
    if isinstance(features, StoredFeatures):
        return features.read_many(np.arange(len(features)) if rows is None else rows.cpu().numpy())
    if rows is None:
        return features
    rows = rows.to(features.device)
    if features.layout is torch.sparse_csr:
        return csr_select(features, rows)
    return features.index_select(0, rows)


class TensorDataset(Dataset):
    """A skorch dataset that also hands out its data as whole tensors on a device.

    Parameters
    ----------
    X : ndarray, DataFrame, scipy sparse matrix or Tensor of shape (n, d)
        Features; converted to float32. Sparse features stay sparse, and a memory map stays in
        its file: rows are read for each batch, by a thread.
    y : array-like, scipy sparse matrix or Tensor of shape (n, q), optional
        Labels; converted to float32. NaN where one is not known.
    length : int, optional
        As in skorch.
    placement : {"auto", "device", "host"}, default="auto"
        Where the features wait for their batch: on the device, on the host, from where batches
        are moved one by one, or on the device if they take less than half of its free memory.
        Labels are always on the device.
    cell_weight : Tensor of shape (n,) or (n, q), optional
        Weight of each instance, or of each of its labels, on any scale.
    neighbor_features : Tensor of shape (n, m), dense or sparse CSR, optional
        What a batch selector finds neighbours on, in the place of X.

    Examples
    --------
    >>> import numpy as np
    >>> from skd2ace.training import TensorDataset
    >>> dataset = TensorDataset(np.eye(3), np.eye(3))
    >>> dataset.tensors("cpu").X.dtype
    torch.float32
    """

    def __init__(
        self,
        X: Any,
        y: Any = None,
        length: int | None = None,
        placement: Placement = "auto",
        cell_weight: Tensor | None = None,
        neighbor_features: Tensor | None = None,
    ) -> None:
        if placement not in ("auto", "device", "host"):
            raise ValueError(f"placement must be 'auto', 'device' or 'host', got {placement!r}.")
        super().__init__(X, y, length=length)
        self.placement = placement
        self.cell_weight = cell_weight
        self.neighbor_features = neighbor_features
        self._cache: dict[torch.device, Tensors] = {}

    def tensors(self, device: str | torch.device) -> Tensors:
        """Return the data for ``device``, moved there at the first call and kept."""
        device = full_device(device)
        if device not in self._cache:
            self._cache[device] = self._place(device)
        return self._cache[device]

    def _place(self, device: torch.device) -> Tensors:
        y = None if self.y is None else to_tensor(self.y)
        if y is not None:
            y = (y.to_dense() if y.layout is torch.sparse_csr else y).to(device)
        weight = None if self.cell_weight is None else self.cell_weight.to(device)
        X, max_nonzeros = self._place_features(device)
        return Tensors(X, y, max_nonzeros, device, weight, self.neighbor_features)

    def _place_features(self, device: torch.device) -> tuple[Tensor | StoredFeatures, int | None]:
        """Features where they wait, and of sparse ones the entries of the fullest row."""
        stored = open_stored(self.X)
        if isinstance(stored, StoredFeatures):
            return stored, None
        X = to_tensor(self.X)
        n_bytes = sum(part.nbytes for part in _parts(X))
        if self.placement == "device" or (self.placement == "auto" and _fits(n_bytes, device)):
            X = X.to(device)
        return X, row_lengths_max(X) if X.layout is torch.sparse_csr else None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}


def resolve(dataset: Any) -> tuple[TensorDataset | ItemDataset, np.ndarray | None]:
    """Find the data behind a dataset, and which of its rows the dataset is (None: all).

    Subsets of subsets, as splits make them, are followed to their root. A dataset of another
    kind is read item by item, when a batch wants it.
    """
    rows = None
    while isinstance(dataset, Subset):
        indices = np.asarray(dataset.indices)
        rows = indices if rows is None else indices[rows]
        dataset = dataset.dataset
    if isinstance(dataset, (TensorDataset, ItemDataset)):
        return dataset, rows
    return _convert(dataset), rows


def _convert(dataset: Any) -> TensorDataset | ItemDataset:
    # Classes below these may have transforms of their own.
    has_items = getattr(type(dataset), "__getitem__", None) is not AnyDataset.__getitem__
    if type(dataset) is Dataset or not has_items:
        return TensorDataset(dataset.X, dataset.y)
    if type(dataset) is TorchDataset:
        X, y = dataset.tensors
        return TensorDataset(X, y)
    return ItemDataset(dataset).with_labels()


def to_tensor(data: Any) -> Tensor:
    """Features or labels as a float32 tensor; of sparse ones a CSR tensor."""
    if sp.issparse(data):
        matrix = sp.csr_array(data, dtype=np.float32)
        if not matrix.has_canonical_format:
            # Summed in a copy: up to here the arrays may be the caller's own.
            matrix = matrix.copy()
            matrix.sum_duplicates()
        return csr_from_scipy(matrix)
    if isinstance(data, Tensor):
        return data.detach().to(torch.float32)
    array = np.ascontiguousarray(data, dtype=np.float32)
    # Torch cannot mark a tensor read-only, as arrays from a memory map or a DataFrame are.
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _parts(X: Tensor) -> tuple[Tensor, ...]:
    if X.layout is torch.sparse_csr:
        return X.crow_indices(), X.col_indices(), X.values()
    return (X,)


def _fits(n_bytes: int, device: torch.device) -> bool:
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    # The other half is for the network, its gradients and the selector.
    return n_bytes < free / 2
