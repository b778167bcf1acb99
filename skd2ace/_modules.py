"""Modules: what ``torch.compile`` wraps around them, and those that size themselves."""

from copy import deepcopy
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, is_lazy


def unwrap_compiled(module: Any) -> Any:
    """Give the module that was compiled, whose weights have names of their own; or itself."""
    return getattr(module, "_orig_mod", module)


def copy_module(module: nn.Module) -> nn.Module:
    """Copy a module, also one with buffers that have no size yet, which torch does not copy."""
    memo = {
        # The stubs of torch declare its parameters wrongly.
        id(buffer): UninitializedBuffer(False, buffer.device, buffer.dtype)  # type: ignore[arg-type]
        for buffer in module.buffers()
        if is_lazy(buffer)
    }
    return deepcopy(module, memo)


def has_lazy_parts(module: nn.Module) -> bool:
    """Whether a module has parameters or buffers without a size."""
    return any(map(is_lazy, chain(module.parameters(), module.buffers())))


def materialize(module: nn.Module, shape: tuple[int, ...]) -> None:
    """Size a module's lazy parts by one instance of zeros, before an optimizer looks at them."""
    if not has_lazy_parts(module):
        return
    was_training = module.training
    # One instance has no variance, and should leave no trace in running means.
    module.eval()
    with torch.no_grad():
        module(torch.zeros(1, *shape, dtype=torch.float32))
    module.train(was_training)
