"""Data in every form arrives as the same tensors."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from skorch.dataset import Dataset
from torch.utils.data import Subset
from torch.utils.data import TensorDataset as TorchDataset

from skd2ace.training import BatchIterator, TensorDataset

X = np.array([[0.0, 1.5, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.5, 0.25, 4.0]])
Y = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])

FORMS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "Fortran order": np.asfortranarray(X),
    "DataFrame": pd.DataFrame(X),
    "tensor": torch.from_numpy(X),
    "csr matrix": sp.csr_matrix(X),
    "csr array": sp.csr_array(X),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("placement", ["auto", "device", "host"])
def test_batches_hold_the_rows(form, placement):
    dataset = TensorDataset(FORMS[form], Y, placement=placement)
    batches = list(BatchIterator(dataset, batch_size=3))
    assert [len(batch[0]) for batch in batches] == [3, 1]
    assert all(batch[0].dtype == batch[1].dtype == torch.float32 for batch in batches)
    np.testing.assert_array_equal(torch.cat([b[0] for b in batches]), X.astype(np.float32))
    np.testing.assert_array_equal(torch.cat([b[1] for b in batches]), Y)
    assert torch.cat([b.instances for b in batches]).tolist() == [0, 1, 2, 3]


def test_sparse_rows_with_explicit_zeros_duplicates_and_disorder():
    data = ([1.0, 0.0, 2.0, 3.0, 4.0], [2, 1, 0, 0, 1], [0, 3, 3, 5])
    matrix = sp.csr_array(data, shape=(3, 3))
    expected = np.array([[2.0, 0.0, 1.0], [0.0, 0.0, 0.0], [3.0, 4.0, 0.0]])
    doubled = sp.csr_array((np.float32([1.0, 1.0]), [0, 0], [0, 2]), shape=(1, 2))
    np.testing.assert_array_equal(next(iter(BatchIterator(TensorDataset(matrix))))[0], expected)
    np.testing.assert_array_equal(next(iter(BatchIterator(TensorDataset(doubled))))[0], [[2, 0]])
    assert doubled.nnz == 2, "the caller's matrix is left as it was"
    empty = sp.csr_array((2, 5))
    np.testing.assert_array_equal(
        next(iter(BatchIterator(TensorDataset(empty))))[0], np.zeros((2, 5))
    )


@pytest.mark.parametrize("form", ["float64", "csr array"])
def test_nested_subsets_are_resolved(form):
    nested = Subset(Subset(TensorDataset(FORMS[form], Y), [3, 2, 1]), [0, 2])
    iterator = BatchIterator(nested)
    (batch,) = iterator
    np.testing.assert_array_equal(batch[0], X[[3, 1]])
    np.testing.assert_array_equal(batch[1], Y[[3, 1]])
    assert batch.instances.tolist() == [0, 1]
    features, labels = iterator.whole()
    np.testing.assert_array_equal(features.to_dense(), X[[3, 1]])
    assert (features.layout is torch.sparse_csr) == (form == "csr array")
    np.testing.assert_array_equal(labels, Y[[3, 1]])


@dataclass
class Unhashable(torch.utils.data.Dataset):
    X: np.ndarray
    y: np.ndarray

    def __len__(self):
        return len(self.X)


class Items(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return X[i], Y[i]


@pytest.mark.parametrize(
    "dataset",
    [
        Dataset(X, Y),
        TorchDataset(torch.from_numpy(X), torch.from_numpy(Y)),
        Unhashable(X, Y),
        Items(),
        list(zip(X, Y, strict=True)),
    ],
    ids=["skorch", "torch", "unhashable", "by item", "list"],
)
def test_datasets_of_others(dataset):
    (batch,) = BatchIterator(Subset(dataset, [2, 0]))
    np.testing.assert_array_equal(batch[0], X[[2, 0]])
    np.testing.assert_array_equal(batch[1], Y[[2, 0]])


def test_data_is_placed_once():
    dataset = TensorDataset(X, Y)
    assert dataset.tensors("cpu").X is dataset.tensors(torch.device("cpu")).X


def test_read_only_data_is_not_written_to():
    frozen = X.astype(np.float32)
    frozen.flags.writeable = False
    (batch,) = BatchIterator(TensorDataset(frozen, Y))
    np.testing.assert_array_equal(batch[0], X)


def test_impossible_placement():
    with pytest.raises(ValueError, match="placement must be"):
        TensorDataset(X, placement="gpu")
