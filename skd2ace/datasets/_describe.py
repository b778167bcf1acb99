"""Statistics by which data sets are compared."""

import math
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from skd2ace._containers import find_names
from skd2ace._labels import imbalance_ratios, mean_imbalance_ratio

from ._label_matrix import read_label_matrix


class LabelStatistics(NamedTuple):
    """What :func:`describe` returns.

    Examples
    --------
    >>> from skd2ace.datasets import describe
    >>> statistics = describe([[1, 0], [1, 1], [1, 0], [0, 0]])
    >>> statistics.ir_label.tolist(), statistics.n_label_sets, statistics.n_unlabelled
    ([1.0, 3.0], 3, 1)
    """

    n_instances: int
    n_labels: int
    cardinality: float
    """Labels that an instance has on average: the share of positives times q."""
    density: float
    """Cardinality over the number of labels: of the cells that are known, the share of positives;
    NaN where none is."""
    ir_label: NDArray[np.float64]
    """IRLbl: positives of the most frequent label over those of each; inf without positives."""
    mean_ir: float
    """MeanIR: mean of IRLbl over the labels with positives."""
    scumble: float
    """In [0, 1): how far frequent and rare labels occur together; NaN where no cell is known."""
    n_label_sets: int
    """Distinct rows of Y, the empty one among them, of those that are known as a whole."""
    n_unlabelled: int
    """Instances that are known to have no label."""
    n_unknown: int
    """Cells of Y that are not known."""
    label_names: list[str] | None
    """Names of the columns, if Y is a frame with such names."""


def describe(Y: Any) -> LabelStatistics:
    """Describe the labels of a data set, by what is known of them.

    Parameters
    ----------
    Y : array-like, sparse matrix, Tensor or DataFrame of shape (n, q)
        0/1, NaN where unknown.

    Returns
    -------
    LabelStatistics
        A named tuple: ``n_instances``, ``n_labels``, ``cardinality``, ``density``, ``ir_label``,
        ``mean_ir``, ``scumble``, ``n_label_sets``, ``n_unlabelled``, ``n_unknown``,
        ``label_names``.

    Raises
    ------
    TypeError
        If some names of a frame's columns are strings and others are not.
    ValueError
        If Y is empty, is no matrix or holds anything but 0, 1 and NaN.

    Notes
    -----
    SCUMBLE is the mean over the instances of 1 minus the geometric over the arithmetic mean of
    IRLbl of the instance's labels; an instance without labels counts as 0, and one of which
    nothing is known does not count.

    References
    ----------
    Charte et al. (2015). Addressing imbalance in multilabel classification: measures and random
    resampling algorithms. Neurocomputing 163, 3-16.

    Charte et al. (2019). Dealing with difficult minority labels in imbalanced multilabel data
    sets. Neurocomputing 326, 39-53.

    Examples
    --------
    >>> from skd2ace.datasets import describe
    >>> statistics = describe([[1, 0], [1, 1], [1, 0], [0, 0]])
    >>> statistics.cardinality, statistics.density, statistics.mean_ir
    (1.0, 0.5, 2.0)
    >>> round(statistics.scumble, 4)
    0.0335
    """
    labels, n_unknown = read_label_matrix(Y)
    n, q = labels.shape
    per_instance = np.diff(labels.indptr)
    counts = np.bincount(labels.indices, minlength=q)
    # IRLbl depends on Y through the counts alone, which stand in for a dense Y.
    ratios = imbalance_ratios(torch.from_numpy(counts)[None, :])
    ir_label = ratios.numpy()
    n_known = n * q - int(n_unknown.sum())
    cardinality = labels.nnz * q / n_known if n_known else math.nan
    is_whole = n_unknown == 0
    names = find_names(Y)
    return LabelStatistics(
        n_instances=n,
        n_labels=q,
        cardinality=cardinality,
        density=cardinality / q,
        ir_label=ir_label,
        mean_ir=float(mean_imbalance_ratio(ratios)),
        scumble=_scumble(labels[n_unknown < q], ir_label) if n_known else math.nan,
        n_label_sets=_count_label_sets(labels[is_whole]),
        n_unlabelled=int((is_whole & (per_instance == 0)).sum()),
        n_unknown=int(n_unknown.sum()),
        label_names=None if names is None else names.tolist(),
    )


def _count_label_sets(labels: sp.csr_array) -> int:
    if not labels.shape[0]:
        return 0
    return len({row.tobytes() for row in np.split(labels.indices, labels.indptr[1:-1])})


def _scumble(labels: sp.csr_array, ir_label: NDArray[np.float64]) -> float:
    # A label without positives is in no sum; infinity times zero would be NaN all the same.
    ratios = np.where(np.isfinite(ir_label), ir_label, 1)
    labels = labels.astype(np.float64)
    n_labels = np.maximum(np.diff(labels.indptr), 1)
    arithmetic = labels @ ratios / n_labels
    geometric = np.exp(labels @ np.log(ratios) / n_labels)
    share = np.divide(geometric, arithmetic, out=np.ones(len(n_labels)), where=arithmetic > 0)
    return float(np.mean(1 - share))
