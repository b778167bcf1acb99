"""Modules, and what ``torch.compile`` wraps around them."""

from typing import Any


def unwrap_compiled(module: Any) -> Any:
    """Give the module that was compiled, whose weights have names of their own; or itself."""
    return getattr(module, "_orig_mod", module)
