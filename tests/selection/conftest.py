"""A watch over operations that make the host wait for a device."""

from contextlib import contextmanager

import pytest
from torch.utils._python_dispatch import TorchDispatchMode

# Reading a number, or a size that depends on values.
WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "is_nonzero", "equal")


class _Watch(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.reads = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.name().removeprefix("aten::").split(".")[0]
        boolean_index = name in ("index", "index_put_", "index_put") and any(
            index is not None and str(index.dtype) == "torch.bool" for index in args[1]
        )
        if name in WAITING or boolean_index:
            self.reads.append(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def host_reads():
    @contextmanager
    def watch():
        with _Watch() as mode:
            yield mode.reads

    return watch
