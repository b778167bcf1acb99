"""From the cells of an ARFF file to the matrices X and Y."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skd2ace._labels import find_relevant

from ._arff_body import Body
from ._arff_header import ArffError, Attribute

# 8 GiB of float64: a small file of nominal attributes can ask for any number of columns.
_MAX_CELLS = 2**30


def feature_matrix(
    body: Body, attributes: list[Attribute], chosen: list[int], path: object
) -> tuple[Any, list[str]]:
    """Build X: nominal attributes one-hot, but those of the values 0 and 1 as they are.

    Parameters
    ----------
    body : Body
    attributes : list of Attribute
        All of the file.
    chosen : list of int
        Places of the features.
    path : str or path
        Named in errors.

    Returns
    -------
    X : ndarray or csr_array of shape (n, d), float64
    names : list of str
        ``name``, or ``name=value``.

    Raises
    ------
    ArffError
        If X would be absurdly large.
    """
    is_sparse = sp.issparse(body.cells)
    names, n_full = list[str](), 0
    for attribute in map(attributes.__getitem__, chosen):
        names += attribute.column_names
        # What a sparse row leaves out is filled in where it does not mean zero.
        n_full += 0 if is_sparse and _is_zero_by_default(attribute) else attribute.n_columns
    _check_size("X", len(body.lines) * n_full, path)
    if is_sparse:
        return _sparse_columns(body.cells, attributes, chosen), names
    if not any(attributes[j].is_one_hot for j in chosen):
        return body.cells[:, chosen], names
    blocks = [_expand(attributes[j], body.cells[:, j]) for j in chosen]
    return np.hstack(blocks), names


def label_matrix(body: Body, attributes: list[Attribute], chosen: list[int], path: object) -> Any:
    """Build Y of shape (n, q), dense or CSR as the file is.

    It is int64, or float64 with NaN where labels are missing. Of two values that are not 0 and 1,
    the one that says so is 1, such as TRUE or yes, and else the second.

    Parameters
    ----------
    body, attributes, path
        As for :func:`feature_matrix`.
    chosen : list of int
        Places of the labels.

    Raises
    ------
    ArffError
        If a label is anything but 0 or 1 or of two values, or Y would be absurdly large.
    """
    body, attributes = _make_flags(body, attributes, chosen, path)
    if sp.issparse(body.cells):
        n_full = sum(not _is_zero_by_default(attributes[j]) for j in chosen)
        _check_size("Y", len(body.lines) * n_full, path)
        Y: Any = _sparse_columns(body.cells, attributes, chosen)
    else:
        Y = np.ascontiguousarray(body.cells[:, chosen])
    entries = sp.coo_array(Y)
    known = ~np.isnan(entries.data)
    if (wrong := np.flatnonzero(known & (entries.data != 1))).size:
        row, column = int(entries.row[wrong[0]]), int(entries.col[wrong[0]])
        value, name = entries.data[wrong[0]], attributes[chosen[column]].name
        problem = f"label {name!r} is {value:g}, not 0 or 1"
        raise ArffError(path, int(body.lines[row]), problem)
    return Y.astype(np.int64) if known.all() else Y


def _make_flags(
    body: Body, attributes: list[Attribute], chosen: list[int], path: object
) -> tuple[Body, list[Attribute]]:
    """Make labels of two values, such as no and yes, labels of 0 and 1."""
    attributes, swapped = list(attributes), np.zeros(len(attributes), dtype=bool)
    for j in chosen:
        name, values = attributes[j]
        if values is None or attributes[j].is_flag:
            continue
        if len(values) != 2:
            problem = f"label {name!r} has the values {values}, not 0 and 1"
            raise ArffError(path, None, f"{problem[:200]}, nor two others")
        swapped[j] = find_relevant(values) == 0
        # The cells hold positions, and a sparse row leaves out the first.
        attributes[j] = Attribute(name, ("1", "0") if swapped[j] else ("0", "1"))
    if not swapped.any():
        return body, attributes
    cells = body.cells.copy()
    if sp.issparse(cells):
        here = swapped[cells.col]
        cells.data[here] = 1 - cells.data[here]
    else:
        cells[:, swapped] = 1 - cells[:, swapped]
    return body._replace(cells=cells), attributes


def _check_size(matrix: str, n_cells: int, path: object) -> None:
    if n_cells > _MAX_CELLS:
        problem = f"{matrix} would have {n_cells} cells, and {_MAX_CELLS} is the limit"
        hint = "there are nominal attributes of many values, or whose first value is not 0"
        raise ArffError(path, None, f"{problem}; {hint}")


def _is_zero_by_default(attribute: Attribute) -> bool:
    return not attribute.is_one_hot and attribute.default == 0


def _expand(attribute: Attribute, column: NDArray[np.float64]) -> NDArray[np.float64]:
    """One column as it is, or one per value; a missing value is missing in all of them."""
    if not attribute.is_one_hot:
        return column[:, None]
    one_hot = (column[:, None] == np.arange(attribute.n_columns)).astype(np.float64)
    one_hot[np.isnan(column)] = np.nan
    return one_hot


def _sparse_columns(
    cells: sp.coo_array, attributes: list[Attribute], chosen: Sequence[int]
) -> sp.csr_array:
    """Columns of the chosen attributes, what the rows leave out filled in where it is not 0."""
    n, rows, columns, values = cells.shape[0], cells.row, cells.col, cells.data
    order = np.argsort(columns, kind="stable")
    starts = np.searchsorted(columns[order], np.arange(len(attributes) + 1))
    target = np.full(len(attributes), -1)
    parts, width = list[tuple[Any, Any, Any]](), 0
    for j in chosen:
        if _is_zero_by_default(attributes[j]):
            target[j], width = width, width + 1
            continue
        own = order[starts[j] : starts[j + 1]]
        column = np.full(n, attributes[j].default)
        column[rows[own]] = values[own]
        block = sp.coo_array(_expand(attributes[j], column))
        parts.append((block.data, block.row, block.col + width))
        width += block.shape[1]
    kept = (target[columns] >= 0) & (values != 0)
    parts.append((values[kept], rows[kept], target[columns[kept]]))
    data, row, column = (np.concatenate(part) for part in zip(*parts, strict=True))
    # Many estimators of scikit-learn refuse places of 64 bits.
    small = np.int32 if max(n, width, len(data)) < 2**31 else np.int64
    coords = row.astype(small), column.astype(small)
    return sp.coo_array((data, coords), shape=(n, width)).tocsr()
