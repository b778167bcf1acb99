"""Single precision, whatever torch's default type is."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_precision() -> Iterator[torch.dtype]:
    """Run with float32 as torch's default type, and put that of the caller back.

    Yields what the caller's is; where that is float32 already, nothing is touched. All threads
    share it: whoever enters keeps others from entering meanwhile.
    """
    before = torch.get_default_dtype()
    if before is torch.float32:
        yield before
        return
    torch.set_default_dtype(torch.float32)
    try:
        yield before
    finally:
        torch.set_default_dtype(before)
