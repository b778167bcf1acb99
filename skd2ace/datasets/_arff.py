"""Multi-label data sets in the ARFF files of MULAN and MEKA."""

import os
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import IO, Any

import numpy as np

from skd2ace._sklearn import Interval, validate_parameter_constraints

from ._arff_body import Body, read_body
from ._arff_bunch import ArffBunch
from ._arff_columns import feature_matrix, label_matrix
from ._arff_header import ArffError, Header, read_header, unescape
from ._arff_lines import opened
from ._arff_source import Source, find_source, name_unpacked
from ._bunch import Parts, make_bunch
from ._label_xml import read_label_names

_MEKA_COUNT = re.compile(r"(?:^|[\s:])-C\s+(-?\d{1,9})(?!\S)")


def load_arff(
    path: str | os.PathLike[str] | IO[Any],
    labels: str | os.PathLike[str] | Sequence[str] | int | None = None,
    *,
    return_X_y: bool = False,
    as_frame: bool = False,
    max_bytes: int = 2**29,
) -> Any:
    """Read a multi-label data set from an ARFF file of MULAN or MEKA.

    Parameters
    ----------
    path : str, path or file object
        A dense or sparse file, plain or packed as ``.gz``, ``.bz2``, ``.xz`` or ``.zip`` (with
        one ARFF file in it); or a file that is open, binary or as text, and ``StringIO``.
    labels : str, path, sequence of str, int or None, default=None
        Which attributes are the labels: the path of MULAN's XML, or their names, or their number,
        positive if they come first and negative if they come last. None looks for an XML of the
        same stem, then for the only XML in the folder, then for MEKA's ``-C`` in the relation. A
        name with backslashes, such as delicious has, is also that of the attribute without them.
    return_X_y : bool, default=False
        Whether to return ``(X, Y)`` only.
    as_frame : bool, default=False
        Whether X and Y are DataFrames. ``frame`` then has both side by side.
    max_bytes : int, default=2**29
        A file that is larger, or unpacks to more, is refused. Of :func:`mulan_registry`'s sets,
        bookmarks takes 0.41e9 bytes with its zeros written out; rcv1 and tmc2007 must be sparse.

    Returns
    -------
    Bunch or tuple
        ``data`` (n, d) float64 and ``target`` (n, q) int64 of 0/1, both ndarrays or, from a
        sparse file, CSR arrays; ``frame``, None without ``as_frame``; ``feature_names``,
        ``target_names``, ``DESCR``; and, only where rows give weights of the instances,
        ``sample_weight`` (n,) float64; or ``(X, Y)``. Where labels are missing (``?``),
        ``target`` is float64 with NaN. Of a label's two values that are not 0 and 1, the one that
        says so counts as 1 (TRUE, yes, the larger number), and else the second. The names
        ``X``, ``Y`` and ``label_names`` of version 0.1 work until version 0.3, with a
        FutureWarning. Labels are in the order in which
        they are named. A nominal feature is one 0/1 column per value, called ``name=value``, but
        one column if its values are 0 and 1. Missing values are NaN.

    Raises
    ------
    ArffError
        If a file is broken, cut short or too large, a label has other values than described, or
        nothing says which attributes are the labels.
    FileNotFoundError
        If there is no such file.
    TypeError
        If ``path`` or ``labels`` is none of these.
    ValueError
        If ``max_bytes`` is no whole number of at least 1.

    Warns
    -----
    UserWarning
        If ``return_X_y`` leaves weights of the instances out.

    Notes
    -----
    The format is that of https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/,
    without attributes of type string, date and relational. A sparse row leaves out zeros, and the
    first value of a nominal attribute. Files are read as UTF-8, or else Latin-1, and as UTF-16 or
    UTF-32 where they begin so.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skd2ace.datasets import load_arff
    >>> text = '''@relation 'birds: -C 1'
    ... @attribute 'a thrush' {0,1}
    ... @attribute sky {grey,blue}
    ... @attribute wind numeric
    ... @data
    ... 1,blue,0.5
    ... 0,grey,?
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "birds.arff")
    ...     _ = path.write_text(text)
    ...     birds = load_arff(path)
    >>> birds.feature_names, birds.target_names
    (['sky=grey', 'sky=blue', 'wind'], ['a thrush'])
    >>> birds.data
    array([[0. , 1. , 0.5],
           [1. , 0. , nan]])
    """
    validate_parameter_constraints(
        {"max_bytes": [Interval(Integral, 1, None, closed="left")]},
        {"max_bytes": max_bytes},
        caller_name="load_arff",
    )
    source = find_source(path, max_bytes)
    header, body = _read(source, max_bytes)
    path = source.path
    if labels is None and source.is_in_folder:
        labels = _find_xml(path)
    columns, label_names = _find_labels(labels, header, path)
    is_label = np.zeros(len(header.attributes), dtype=bool)
    is_label[columns] = True
    features = np.flatnonzero(~is_label).tolist()
    X, feature_names = feature_matrix(body, header.attributes, features, path)
    Y = label_matrix(body, header.attributes, columns, path)
    sizes = f"{X.shape[0]} instances, {X.shape[1]} features, {len(label_names)} labels"
    described = f"{header.relation or path.name}: {sizes}."
    parts = Parts(X, Y, feature_names, label_names, described)
    if body.weights is not None and return_X_y:
        warnings.warn(f"{path}: (X, Y) leaves out the weights of the instances.", stacklevel=2)
    made = make_bunch(parts, return_X_y=return_X_y, as_frame=as_frame, kind=ArffBunch)
    if body.weights is not None and not return_X_y:
        made.sample_weight = body.weights
    return made


def _read(source: Source, max_bytes: int) -> tuple[Header, Body]:
    # Weka writes the encoding of the machine it runs on.
    for encoding in ("utf-8-sig", "latin-1"):
        try:
            with opened(source, max_bytes, encoding) as lines:
                header = read_header(lines, source.path)
                return header, read_body(lines, header.attributes, source.path)
        except UnicodeDecodeError as error:
            problem = f"the file is not in the encoding it seems to be in: {error}"
            if source.text is not None:
                break
    raise ArffError(source.path, None, problem)


def _find_labels(labels: Any, header: Header, path: Path) -> tuple[list[int], list[str]]:
    """Places and names of the labels."""
    names = [attribute.name for attribute in header.attributes]
    source = "`labels`"
    if labels is None:
        labels, source = _meka_count(header.relation, path), "the -C in the relation"
    if isinstance(labels, Integral):
        count = int(labels)
        if not 0 < abs(count) < len(names):
            problem = f"{source} is {count}, and there are {len(names)} attributes"
            raise ArffError(path, None, f"{problem}: both labels and features are needed")
        chosen = names[:count] if count > 0 else names[count:]
    elif isinstance(labels, (str, os.PathLike)):
        chosen, source = read_label_names(Path(labels)), str(labels)
    elif np.iterable(labels):
        chosen = list(labels)
    else:
        raise TypeError(f"labels must be a path, a list of names or an integer, got {labels!r}.")
    place = _find_places(names)
    if missing := [name for name in chosen if _plain(name, place) not in place]:
        problem = f"{len(missing)} label(s) of {source} are no attributes here"
        raise ArffError(path, None, f"{problem}, the first is {missing[0]!r}")
    places = [place[_plain(name, place)] for name in chosen]
    if not 0 < len(set(places)) == len(places) < len(names):
        problem = f"{source} names no label, all attributes, or a label twice"
        raise ArffError(path, None, problem)
    return places, [names[i] for i in places]


def _find_places(names: list[str]) -> dict[str, int]:
    """Places of the attributes by their names, and by these without backslashes if unambiguous."""
    place = {name: i for i, name in enumerate(names)}
    plain = Counter(map(unescape, names))
    for i, name in enumerate(names):
        if plain[unescape(name)] == 1:
            place.setdefault(unescape(name), i)
    return place


def _plain(name: Any, place: dict[str, int]) -> Any:
    """Name as it is where an attribute has it, else without backslashes."""
    return name if name in place or not isinstance(name, str) else unescape(name)


def _find_xml(path: Path) -> Path | None:
    own = path.with_name(Path(name_unpacked(path)).stem + ".xml")
    if own.is_file():
        return own
    others = sorted(path.parent.glob("*.xml"))
    return others[0] if len(others) == 1 else None


def _meka_count(relation: str, path: Path) -> int:
    if match := _MEKA_COUNT.search(relation):
        return int(match[1])
    raise ArffError(
        path,
        None,
        "nothing says which attributes are the labels: there is neither an XML of the same stem "
        "(or a single one in the folder) nor -C in the relation. Give `labels`: the path of an "
        "XML, a list of names, or a number (5: the first five; -5: the last five)",
    )
