"""What would be in vain, found out before the first fit."""

from collections.abc import Mapping
from typing import Any

import torch


def check_device(device: str) -> None:
    """Raise a ValueError for a device on which every fit would fail, and be kept as failed."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"--device {device}: {str(error).splitlines()[0]}") from error


def find_shufflers(methods: Mapping[str, Any]) -> list[str]:
    """Name the methods whose selector only shuffles, as its warm-up takes all epochs."""
    selectors = {name: getattr(est, "batch_selector", None) for name, est in methods.items()}
    return [
        name
        for name, selector in selectors.items()
        if selector is not None and selector.warmup_epochs >= methods[name].max_epochs
    ]
