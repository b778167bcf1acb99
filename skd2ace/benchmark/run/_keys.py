"""What makes a fit the one it is, and how the store's statements find it."""

from typing import NamedTuple


class Key(NamedTuple):
    """What makes a fit the one it is.

    ``settings`` is a digest of all that the fit depends on beside the data: the estimator's
    parameters, the folds and the seeds.
    """

    dataset: str
    method: str
    fold: int
    seed: int
    settings: str


# With the values of a key, and of ``this_process()``.
MATCH = " AND ".join(f"{column} = ?" for column in Key._fields)
MINE = "host = ? AND process = ?"
