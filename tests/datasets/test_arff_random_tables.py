"""Random tables: what is written as ARFF is read, and by the fast readers as by the careful."""

import numpy as np
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skd2ace.datasets import ArffError, _arff_body

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
NUMBERS = st.floats(allow_nan=False, width=64)


def quoted(text):
    marks = {"\\": r"\\", "'": r"\'", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
    return "'" + "".join(marks.get(c, c) for c in text) + "'"


@st.composite
def tables(draw):
    """Attributes (name, values or None), rows of cells (None: missing) and labels."""
    names = draw(st.lists(WORDS, min_size=2, max_size=6, unique=True))
    kinds = [draw(st.none() | st.lists(WORDS, min_size=1, max_size=4, unique=True)) for _ in names]
    kinds[0] = ["0", "1"]
    cells = [NUMBERS if kind is None else st.sampled_from(kind) for kind in kinds]
    rows = st.tuples(cells[0], *(st.none() | cell for cell in cells[1:]))
    return list(zip(names, kinds, strict=True)), draw(st.lists(rows, min_size=1, max_size=6))


def shown(value):
    if value is None:
        return "?"
    return quoted(value) if isinstance(value, str) else repr(value)


def written(attributes, rows, is_sparse):
    kinds = [
        "numeric" if kind is None else "{" + ", ".join(map(quoted, kind)) + "}"
        for _, kind in attributes
    ]
    text = "".join(
        f"@attribute {quoted(name)} {kind}\n"
        for (name, _), kind in zip(attributes, kinds, strict=True)
    )
    lines = []
    for row in rows:
        cells = [shown(value) for value in row]
        if is_sparse:
            first = [0.0 if kind is None else kind[0] for _, kind in attributes]
            kept = [i for i, value in enumerate(row) if value != first[i]]
            cells = [f"{i} {cells[i]}" for i in kept]
        line = ",".join(cells)
        lines.append(f"{{{line}}}" if is_sparse else line)
    return f"{text}@data\n" + "\n".join(lines)


def expected_columns(kind, column):
    """A slow one-hot coding."""
    if kind is None or set(kind) <= {"0", "1"}:
        return [[np.nan if v is None else float(v) for v in column]]
    return [[np.nan if v is None else float(v == value) for v in column] for value in kind]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(table=tables(), is_sparse=st.booleans())
def test_what_is_written_is_read(read_arff, table, is_sparse):
    attributes, rows = table
    found = read_arff(written(attributes, rows, is_sparse), labels=1)
    columns = list(zip(*rows, strict=True))
    pairs = list(zip(attributes, columns, strict=True))[1:]
    expected = np.array([c for (_, kind), col in pairs for c in expected_columns(kind, col)]).T
    X, Y = (m.toarray() if sp.issparse(m) else m for m in (found.data, found.target))
    assert sp.issparse(found.data) == is_sparse
    np.testing.assert_array_equal(X, expected)
    assert Y.ravel().tolist() == [int(value) for value in columns[0]]
    assert found.target_names == [attributes[0][0]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(table=tables(), is_sparse=st.booleans(), data=st.data())
def test_the_fast_readers_agree_with_the_careful(read_arff, monkeypatch, table, is_sparse, data):
    """Numbers and flags only; a few characters of the rows are spoiled."""
    attributes = [(name, kind if i == 0 else None) for i, (name, kind) in enumerate(table[0])]
    shapes = st.tuples(st.sampled_from("01"), *[NUMBERS | st.none() for _ in attributes[1:]])
    rows = data.draw(st.lists(shapes, min_size=1, max_size=5))
    text = written(attributes, rows, is_sparse).replace("{'0', '1'}", "{0,1}")
    header, _, body = text.partition("@data\n")
    body = body.replace("'", "")
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(body)))
        body = body[:at] + data.draw(st.sampled_from(list("{},? \n%x01e-"))) + body[at + 1 :]

    def outcome():
        try:
            found = read_arff(f"{header}@data\n{body}", labels=1)
        except ArffError as error:
            return str(error)
        return [m.toarray() if sp.issparse(m) else m for m in (found.data, found.target)]

    fast = outcome()
    with monkeypatch.context() as patch:
        for name in ("_read_dense_fast", "_read_sparse_fast"):
            patch.setattr(_arff_body, name, lambda rows, attributes: None)
        careful = outcome()
    if isinstance(careful, str):
        assert fast == careful
    else:
        np.testing.assert_array_equal(fast[0], careful[0])
        np.testing.assert_array_equal(fast[1], careful[1])
