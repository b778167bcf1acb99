"""Fetching the data sets of MULAN."""

import hashlib
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import get_data_home

from ._arff import load_arff
from ._arff_header import ArffError
from ._bunch import Parts, make_bunch
from ._download import download_file
from ._registry import MULAN_COMMIT, MulanSet, mulan_registry

_BASE = f"https://raw.githubusercontent.com/tsoumakas/mulan/{MULAN_COMMIT}/data/multi-label"


def fetch_mulan(
    name: str,
    *,
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Any:
    """Load a data set of MULAN by its name, from the disk or else from MULAN's repository.

    Parameters
    ----------
    name : str
        One of :func:`mulan_registry`; capitals do not matter.
    data_home : str, path or None, default=None
        A folder with a folder per data set. None is the folder that the environment variable
        ``SKD2ACE_DATA`` names, or else ``mulan`` in scikit-learn's data home.
    download_if_missing : bool, default=True
        Whether files that are not there are downloaded. A file is moved to its place when its
        SHA-256 is the one expected; a download that breaks off is tried three times more, but not
        one whose server cannot be reached.
    return_X_y : bool, default=False
        Whether to return ``(X, Y)`` only.
    as_frame : bool, default=False
        Whether X and Y are DataFrames. ``frame`` then has both side by side.

    Returns
    -------
    Bunch or tuple
        ``data``, ``target``, ``feature_names``, ``target_names``, ``DESCR``, as
        :func:`load_arff` reads them, and ``frame``, which is None without ``as_frame``; or
        ``(X, Y)``. Where the set has a training and a test part, the training part comes first.

    Raises
    ------
    ValueError
        If there is no data set of that name.
    FileNotFoundError
        If a file is neither there nor to be downloaded; the message says where to put which.
    OSError
        If the download fails; the message says so, too.
    ArffError
        If a file is broken, or the parts do not have the same columns.

    Warns
    -----
    UserWarning
        If a file on the disk has another checksum than the one that is known: it is used.

    Examples
    --------
    >>> from skd2ace.datasets import fetch_mulan
    >>> X, Y = fetch_mulan("scene", return_X_y=True)  # doctest: +SKIP
    >>> X.shape, Y.shape  # doctest: +SKIP
    ((2407, 294), (2407, 6))
    """
    known = {key.lower(): entry for key, entry in mulan_registry().items()}
    if not isinstance(name, str) or name.lower() not in known:
        raise ValueError(f"There is no data set {name!r}; known are {', '.join(mulan_registry())}.")
    entry = known[name.lower()]
    home = _data_home(data_home)
    paths = dict[str, Path]()
    for file in (entry.xml, *entry.arff):
        paths[file] = _find_or_download(entry, file, home / entry.folder, download_if_missing)
    parts = [load_arff(paths[file], labels=paths[entry.xml]) for file in entry.arff]
    for part, file in zip(parts, entry.arff, strict=True):
        if part.feature_names != parts[0].feature_names:
            raise ArffError(paths[file], None, f"its features are not those of {entry.arff[0]}")
    X, Y = (_stacked([part[key] for part in parts]) for key in ("data", "target"))
    described = _description(entry, X.shape, Y.shape[1])
    whole = Parts(X, Y, parts[0].feature_names, parts[0].target_names, described)
    return make_bunch(whole, return_X_y=return_X_y, as_frame=as_frame)


def is_here(entry: MulanSet, data_home: str | os.PathLike[str] | None = None) -> bool:
    """Whether all files of a set are on the disk, where :func:`fetch_mulan` looks for them."""
    folder = _data_home(data_home) / entry.folder
    return all((folder / file).is_file() for file in (entry.xml, *entry.arff))


def _data_home(data_home: str | os.PathLike[str] | None) -> Path:
    if data_home is None:
        data_home = os.environ.get("SKD2ACE_DATA") or Path(get_data_home(), "mulan")
    return Path(data_home).expanduser()


def _stacked(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    return sp.vstack(parts, format="csr") if sp.issparse(parts[0]) else np.vstack(parts)


def _description(entry: MulanSet, shape: tuple[int, int], n_labels: int) -> str:
    facts = f"{entry.domain}, {shape[0]} instances, {shape[1]} features, {n_labels} labels"
    note = f"\n{entry.note}" if entry.note else ""
    return f"MULAN {entry.name}: {facts}.\n{entry.citation}\n{entry.source}{note}"


def _find_or_download(entry: MulanSet, file: str, folder: Path, download: bool) -> Path:
    path = folder / file
    if path.is_file():
        expected = entry.sha256.get(file)
        if expected and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            warnings.warn(
                f"{path} has another checksum than the file that {entry.name} is known by: it is "
                "another edition, or damaged.",
                stacklevel=3,
            )
        return path
    where = _where_to_put(entry, folder)
    if not download:
        raise FileNotFoundError(f"{path} is not there, and nothing is to be downloaded. {where}")
    if not entry.is_downloadable:
        raise FileNotFoundError(
            f"{entry.name} cannot be downloaded: no address with a known checksum is on record. "
            f"{where} It can be had from {entry.source}. {entry.note}".rstrip()
        )
    url = f"{_BASE}/{entry.folder}/{file}"
    try:
        return download_file(url, path, entry.sha256[file])
    except OSError as error:
        raise OSError(
            f"{file} of {entry.name} could not be downloaded from {url}: {error}. {where}"
        ) from error


def _where_to_put(entry: MulanSet, folder: Path) -> str:
    return (
        f"Put {', '.join((*entry.arff, entry.xml))} into the folder {folder}. Without data_home, "
        "the environment variable SKD2ACE_DATA says where the folders of data sets are."
    )
