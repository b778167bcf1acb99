"""What autograd functions of our own need beside torch's operations."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor


def apply_to_one_dtype(
    function: type[torch.autograd.Function], tensors: Sequence[Tensor], *others: Any
) -> Any:
    """Apply an autograd function to tensors in the widest of their dtypes.

    Under torch.autocast what networks compute is in half precision, and parameters are not.
    """
    dtypes = {tensor.dtype for tensor in tensors}
    if len(dtypes) == 1:
        return function.apply(*tensors, *others)
    widest = reduce(torch.promote_types, dtypes)
    with torch.autocast(tensors[0].device.type, enabled=False):
        return function.apply(*(tensor.to(widest) for tensor in tensors), *others)
