"""Settings that are counted in epochs, or as a share of the run."""

import math
import warnings
from collections.abc import Mapping
from numbers import Integral
from typing import Any

from skd2ace._constraints import Pair, to_python
from skd2ace._sklearn import Interval, RealNotInt

_WHOLE = Interval(Integral, 0, None, closed="left")
_SHARE = Interval(RealNotInt, 0, 1, closed="both")
EPOCHS: list[Any] = [_WHOLE, _SHARE]
EPOCH_PAIR: list[Any] = [Pair(_WHOLE, _SHARE, ascending=True)]


def count_epochs(setting: float, n_epochs: int) -> int:
    """Epochs that a setting stands for in a run.

    Parameters
    ----------
    setting : int or float
        An integer is the number itself; a float in [0, 1] is a share of the run, rounded half up,
        of at least one epoch where it is above 0.
    n_epochs : int
        Length of the run.

    Returns
    -------
    int

    Examples
    --------
    >>> [count_epochs(setting, 25) for setting in (0.0, 0.01, 0.1, 1.0, 1, 70)]
    [0, 1, 3, 25, 1, 70]
    """
    if isinstance(setting, int):
        return setting
    # Rounded first: 0.15 of ten epochs are one and a half, whatever the last bit says.
    return max(math.floor(round(setting * n_epochs, 9) + 0.5), int(setting > 0))


def find_misfits(parameters: Mapping[str, Any], n_epochs: int) -> list[str]:
    """Tell which settings of a selector, given in epochs, do not fit into a run.

    Parameters
    ----------
    parameters : mapping of str to Any
        Those of the selector, by name.
    n_epochs : int
        Length of the run.

    Returns
    -------
    list of str
        What each of them does there: "warmup_epochs=10 takes all 10 epochs: it only shuffles".
    """
    found = []
    warmup = to_python(parameters.get("warmup_epochs", 0))
    if isinstance(warmup, int) and 0 < n_epochs <= warmup:
        found.append(f"warmup_epochs={warmup} takes all {n_epochs} epochs: it only shuffles")
    mixing = to_python(tuple(parameters.get("mix_epochs", ())))
    if any(isinstance(epoch, int) and epoch > n_epochs for epoch in mixing):
        found.append(f"mix_epochs={mixing} lies beyond the {n_epochs} epochs: the mixture does "
                     "not reach mix_end")  # fmt: skip
    return found


def warn_of_misfits(name: str, parameters: Mapping[str, Any], n_epochs: int) -> None:
    """Warn of what :func:`find_misfits` finds for a selector of that name."""
    for misfit in find_misfits(parameters, n_epochs):
        warnings.warn(
            f"{name}: {misfit}. A float in [0, 1] is a share of the run.", UserWarning, stacklevel=3
        )
