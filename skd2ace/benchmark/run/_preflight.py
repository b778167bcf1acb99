"""What would be in vain, found out before the first fit."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from skd2ace.selection._schedules import find_misfits


def check_device(device: str) -> None:
    """Raise a ValueError for a device on which every fit would fail, and be kept as failed."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"--device {device}: {str(error).splitlines()[0]}") from error


def tell_misfits(methods: Mapping[str, Any]) -> Iterator[str]:
    """Tell of selectors with a schedule in epochs that does not fit into their method's run."""
    for name, est in methods.items():
        selector = getattr(est, "batch_selector", None)
        if selector is not None:
            for misfit in find_misfits(selector.get_params(deep=False), int(est.max_epochs)):
                yield f"{name}: {misfit}."
