"""Single precision, whatever torch's default type is."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_precision() -> Iterator[None]:
    """Run with float32 as torch's default type, and put that of the caller back.

    All threads share the default: whoever enters keeps others from entering meanwhile. Where it
    is float32 already, nothing is touched.
    """
    before = torch.get_default_dtype()
    if before is torch.float32:
        yield
        return
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
