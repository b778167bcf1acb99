"""What a frame of results must hold."""

from typing import Any

import pandas as pd

# What makes a run the one it is.
KEYS = ["dataset", "method", "fold", "seed"]


def check_columns(name: str, table: Any, columns: list[str]) -> None:
    """Raise a ValueError if a table lacks one of the columns, a TypeError if it is none."""
    check_frame(name, table)
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"{name} lacks the columns {missing}; it has {list(table.columns)}.")


def check_frame(name: str, table: Any) -> None:
    """Raise a TypeError if something is no DataFrame."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame; got {type(table).__name__}.")


def read_starts(rows: Any) -> Any:
    """When each fit was begun, as text that sorts by time; empty where that is not known."""
    if "started" in rows:
        return rows["started"].fillna("").astype(str)
    return pd.Series("", index=rows.index)
