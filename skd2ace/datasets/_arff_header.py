"""The header of an ARFF file: its relation and its attributes."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

# A header of more columns than this is no data set: the text collections have 50 thousand. Each
# value of a nominal attribute is a column, called by the attribute's name too.
_MAX_COLUMNS = 2_000_000
_MAX_NAME = 1000
_NUMERIC = frozenset(("numeric", "real", "integer"))
_SPACE = re.compile(r"\s*")
QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_NAME = re.compile(r"[^\s{]+")
_VALUE = re.compile(r"[^,{}]+")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


Line = tuple[int, str]
"""A line's number, from 1, and the line without white space at its ends."""


class ArffError(ValueError):
    """An ARFF file, or the XML of its labels, cannot be read.

    Parameters
    ----------
    path : str or path
        The file.
    line : int or None
        The line, counted from 1, where one can be named.
    problem : str
        What is wrong there.

    Examples
    --------
    >>> from skd2ace.datasets import ArffError
    >>> str(ArffError("flags.arff", 3, "the attribute has no type"))
    'flags.arff, line 3: the attribute has no type.'
    """

    def __init__(self, path: object, line: int | None, problem: str) -> None:
        # All three go to the base class, without which an exception cannot be unpickled.
        super().__init__(path, line, problem)
        self.path, self.line, self.problem = path, line, problem

    def __str__(self) -> str:
        place = f"{self.path}" if self.line is None else f"{self.path}, line {self.line}"
        return f"{place}: {self.problem}{'' if self.problem.endswith('?') else '.'}"


class Attribute(NamedTuple):
    """A column of the file: its name, and the values that a nominal one lists."""

    name: str
    values: tuple[str, ...] | None

    @property
    def is_flag(self) -> bool:
        """Whether it is nominal and its values are 0 and 1, which then mean themselves."""
        # All different, so that there are no more than two of them to look at.
        return self.values is not None and len(self.values) <= 2 and set(self.values) <= {"0", "1"}

    @property
    def is_one_hot(self) -> bool:
        """Whether it is read into a column for each of its values."""
        return self.values is not None and not self.is_flag

    @property
    def n_columns(self) -> int:
        """How many columns it is read into."""
        return len(self.values or ()) if self.is_one_hot else 1

    @property
    def column_names(self) -> list[str]:
        """What these columns are called."""
        if not self.is_one_hot:
            return [self.name]
        return [f"{self.name}={value}" for value in self.values or ()]

    @property
    def default(self) -> float:
        """What a sparse row means by leaving it out: zero, or the first of its values."""
        # Of a nominal attribute that is no flag, the body holds positions.
        return float(self.values[0]) if self.values and self.is_flag else 0.0


class Header(NamedTuple):
    """What stands before the data."""

    relation: str
    attributes: list[Attribute]


def unquote(text: str) -> str:
    r"""Take the quotes and backslashes off ``'Steller\'s Jay'``."""
    if text[:1] not in ("'", '"'):
        return text
    return unescape(text[1:-1])


def unescape(text: str) -> str:
    r"""Take the backslashes off ``Steller\'s Jay``."""
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def read_header(lines: Iterator[Line], path: object) -> Header:
    """Read the lines down to ``@data``, and leave those that follow.

    Parameters
    ----------
    lines : iterator of (int, str)
        Without blank lines and comments.
    path : str or path
        Named in errors.

    Returns
    -------
    Header

    Raises
    ------
    ArffError
        If a line is none of the format's, an attribute has no readable type or the name of
        another, or ``@data`` is missing.
    """
    relation, attributes, names, n_columns = "", list[Attribute](), set[str](), 0
    # Thousands of attributes share a type; {0,1} is read once, and forgotten with the file.
    read_values = lru_cache(maxsize=1024)(_read_values)
    for number, line in lines:
        keyword, rest = [*line.split(None, 1), ""][:2]
        try:
            if keyword.partition("%")[0].lower() == "@data":
                _check_alone(line)
                if not attributes:
                    raise ValueError("@data comes before any @attribute")
                return Header(relation, attributes)
            if keyword.lower() == "@attribute":
                attributes.append(_attribute(rest, read_values))
                _check_new(attributes[-1].name, names)
                n_columns = _check_number(n_columns + attributes[-1].n_columns)
            elif keyword.lower() == "@relation":
                relation = _relation(rest)
            else:
                raise ValueError(f"expected @relation, @attribute or @data, found {line[:40]!r}")
        except ValueError as error:
            raise ArffError(path, number, str(error)) from None
    raise ArffError(path, None, "the file ends without @data; is it cut short?")


def _check_alone(line: str) -> None:
    """Refuse a row on the line of @data, which would be lost."""
    rest = line.partition("%")[0][len("@data") :].strip()
    if rest:
        raise ValueError(f"rows begin on the line after @data; found {rest[:40]!r} behind it")


def _check_new(name: str, names: set[str]) -> None:
    if name in names:
        raise ValueError(f"a second attribute is called {name!r}")
    names.add(name)


def _check_number(n_columns: int) -> int:
    if n_columns > _MAX_COLUMNS:
        raise ValueError(f"there are more than {_MAX_COLUMNS} attributes and values")
    return n_columns


def _relation(text: str) -> str:
    quoted = QUOTED.match(text)
    return unquote(quoted[0]) if quoted else text


def _attribute(text: str, read_values: Callable[[str], tuple[str, ...]]) -> Attribute:
    match = QUOTED.match(text) if text[:1] in ("'", '"') else _NAME.match(text)
    if match is None:
        raise ValueError(f"the attribute has no name, or a quote is not closed: {text[:40]!r}")
    name, kind = unquote(match[0]), text[match.end() :].strip()
    if len(name) > _MAX_NAME:
        problem = f"an attribute's name is longer than {_MAX_NAME} characters"
        raise ValueError(f"{problem}: {name[:40]!r}")
    if kind[:1] == "{":
        return Attribute(name, read_values(kind))
    word = kind.partition("%")[0].partition("[")[0].strip().lower()
    if word in _NUMERIC:
        return Attribute(name, None)
    if not word:
        raise ValueError(f"attribute {name!r} has no type")
    raise ValueError(
        f"attribute {name!r} is of type {word[:40]!r}; only numeric and nominal ones can be read"
    )


def _read_values(text: str) -> tuple[str, ...]:
    """Split ``{a, 'b c', "d"}``, which may end in a comment."""
    values, position = list[str](), 1
    while True:
        position = _end_of_space(text, position)
        match = QUOTED.match(text, position) or _VALUE.match(text, position)
        if match is None:
            raise ValueError(f"a list of values has an empty place or no end: {text[:40]!r}")
        is_quoted = match[0][0] in "'\"" and match[0][-1] == match[0][0] and len(match[0]) > 1
        values.append(unquote(match[0]) if is_quoted else match[0].strip())
        position = _end_of_space(text, match.end())
        if text[position : position + 1] == "}":
            break
        if text[position : position + 1] != ",":
            raise ValueError(f"a list of values is not closed: {text[:40]!r}")
        position += 1
    rest = text[position + 1 :].strip()
    if rest and rest[0] != "%":
        raise ValueError(f"unexpected text after the list of values: {rest[:40]!r}")
    if len(set(values)) < len(values):
        raise ValueError(f"a list of values names one of them twice: {text[:40]!r}")
    return tuple(values)


def _end_of_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPED.get(code, code)
