"""MULAN's yeast, the set that most tables of the field begin with."""

import gzip
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arff import load_arff
from ._bunch import Parts, make_bunch

_N_LABELS = 14
_DESCRIPTION = """MULAN yeast: 2417 genes, 103 features of micro-array expression and phylogenetic
profile, 14 functional classes, of which a gene has 4.24 on average. Elisseeff and Weston (2002),
A kernel method for multi-labelled classification, NIPS; in the edition of Tsoumakas et al.
(2011), MULAN: A Java library for multi-label learning, JMLR."""


def load_yeast(*, return_X_y: bool = False, as_frame: bool = False) -> Any:
    """Load MULAN's yeast: 2417 instances, 103 features, 14 labels.

    Read from ``yeast/yeast.arff`` in the folder that the environment variable ``SKD2ACE_DATA``
    names, or else from the copy that the package ``river`` carries; nothing is downloaded. Both
    give the same numbers in the same order.

    Parameters
    ----------
    return_X_y : bool, default=False
        Whether to return ``(X, Y)`` only.
    as_frame : bool, default=False
        Whether X and Y are DataFrames. ``frame`` then has both side by side.

    Returns
    -------
    Bunch or tuple
        ``data`` (2417, 103) float64, ``target`` (2417, 14) int64 of 0/1, ``feature_names``,
        ``target_names``, ``DESCR``, and ``frame``, which is None without ``as_frame``; or
        ``(X, Y)``.

    Raises
    ------
    FileNotFoundError
        If neither is there; the message says how to get either. river needs Python 3.11.

    Examples
    --------
    >>> from skd2ace.datasets import load_yeast
    >>> X, Y = load_yeast(return_X_y=True)
    >>> X.shape, Y.shape
    ((2417, 103), (2417, 14))
    """
    table, names = _read()
    X, Y = table[:, :-_N_LABELS], table[:, -_N_LABELS:].astype(np.int64)
    parts = Parts(X, Y, names[:-_N_LABELS], names[-_N_LABELS:], _DESCRIPTION)
    return make_bunch(parts, return_X_y=return_X_y, as_frame=as_frame)


def _read() -> tuple[NDArray[np.float64], list[str]]:
    folder = os.environ.get("SKD2ACE_DATA")
    if folder and (path := Path(folder) / "yeast" / "yeast.arff").is_file():
        return _read_arff(path)
    river = find_spec("river")
    for location in (river.submodule_search_locations or ()) if river else ():
        path = Path(location) / "datasets" / "yeast.csv.gz"
        if path.is_file():
            return _read_csv(path)
    raise FileNotFoundError(
        "yeast was found neither in the folder that SKD2ACE_DATA names (yeast/yeast.arff) nor in "
        "the package river. Install river (`pip install 'skd2ace[data]'`, on Python 3.11 or "
        "newer), or download MULAN's files with fetch_mulan('yeast')."
    )


def _read_arff(path: Path) -> tuple[NDArray[np.float64], list[str]]:
    yeast = load_arff(path, labels=-_N_LABELS)
    return np.hstack([yeast.data, yeast.target]), yeast.feature_names + yeast.target_names


def _read_csv(path: Path) -> tuple[NDArray[np.float64], list[str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        names = file.readline().strip().split(",")
        return np.loadtxt(file, delimiter=","), names
