"""Devices by their full name, and whether reading from one makes the host wait."""

import torch
from torch import Tensor


def full_device(device: str | torch.device | None) -> torch.device:
    """Device as tensors upon it name it: "cuda" becomes "cuda:0", None the CPU."""
    return torch.empty(0, device=device or "cpu").device


def is_ready(tensor: Tensor) -> bool:
    """Whether a tensor can be read at once; elsewhere the host would wait for its device."""
    return tensor.device.type == "cpu"
