"""How many instances a batch has."""

import math
from numbers import Integral

from skd2ace._sklearn import Interval, Options, StrOptions

BATCH_SIZE_CONSTRAINTS = [
    Interval(Integral, 1, None, closed="left"),
    Options(Integral, {-1}),
    StrOptions({"auto"}),
]
_SMALLEST, _LARGEST = 32, 256


def choose_batch_size(batch_size: int | str, n_instances: int) -> int:
    """Give the number of instances in each batch of a part.

    Of "auto" it is the power of two next to sqrt(2 n), from 32 to 256: small sets are trained
    in more steps an epoch than large batches would leave them, large ones in quicker epochs.
    """
    if batch_size == "auto":
        exponent = round(math.log2(2 * max(n_instances, 1)) / 2)
        return min(max(2**exponent, _SMALLEST), _LARGEST)
    return n_instances if batch_size == -1 else int(batch_size)
