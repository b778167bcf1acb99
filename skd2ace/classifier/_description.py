"""Parameters in a file: plain values, and the names of classes that a file may name."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

import skd2ace.networks
import skd2ace.preprocessing
import skd2ace.selection
import skd2ace.training
from skd2ace._archive import encode
from skd2ace._containers import read_container
from skd2ace.training import Checkpointing

# What a file may name. Everything else that is code must be given when it is loaded.
_LIBRARIES = {
    module.__name__: module
    for module in (
        torch.nn,
        torch.optim,
        skd2ace.networks,
        skd2ace.preprocessing,
        skd2ace.selection,
        skd2ace.training,
    )
}
# The compiler runs programs that its options name, and torch's unpickling can be made unsafe.
_NOT_IN_A_FILE = ("compile", "torch_load_kwargs")


def describe_parameters(parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Describe parameters, and name the code in those that cannot be described."""
    described, left_out = {}, {}
    for name, value in parameters.items():
        if _component(name) in _NOT_IN_A_FILE:
            continue
        try:
            described[name] = _describe(value)
        except TypeError:
            left_out[name] = _name_of(value)
    return described, left_out


def make_parameters(described: dict[str, Any]) -> dict[str, Any]:
    """Make parameters as they were described.

    Raises
    ------
    ValueError
        If the description names what it may not.
    """
    for name in described:
        if _component(name) in _NOT_IN_A_FILE:
            raise ValueError(f"it sets {name}, which a file may not.")
    return {name: _make(value) for name, value in described.items()}


def _component(name: str) -> str:
    return name.partition("__")[0]


def _describe(value: Any) -> dict[str, Any]:
    if isinstance(value, (list, tuple)):
        # A folder of checkpoints belongs to one training.
        items = [item for item in value if not _is_checkpointing(item)]
        return {"kind": type(value).__name__, "items": [_describe(item) for item in items]}
    if isinstance(value, type):
        return {"kind": "class", "name": _public_name(value)}
    if isinstance(value, (torch.device, os.PathLike)):
        return {"kind": "value", "value": str(value)}
    if hasattr(value, "get_params"):
        parameters = value.get_params(deep=False).items()
        described = {name: _describe(parameter) for name, parameter in parameters}
        return {"kind": "object", "name": _public_name(type(value)), "parameters": described}
    is_plain = isinstance(value, (np.ndarray, np.generic, torch.Tensor))
    if hasattr(value, "__array__") and not is_plain:
        # A column of a frame, say of thresholds.
        value = read_container(value)
    if isinstance(value, Mapping):
        # Of any kind, say of thresholds by names.
        value = dict(value)
    encode(value, {})
    return {"kind": "value", "value": value}


def _make(described: dict[str, Any]) -> Any:
    kind = described["kind"]
    if kind == "value":
        return described["value"]
    if kind in ("list", "tuple"):
        return {"list": list, "tuple": tuple}[kind](map(_make, described["items"]))
    found = _find(described["name"])
    if kind == "class":
        return found
    if not hasattr(found, "get_params"):
        raise ValueError(f"it describes a {described['name']} by parameters.")
    return found(**{name: _make(value) for name, value in described["parameters"].items()})


def _public_name(cls: type) -> str:
    for library, module in _LIBRARIES.items():
        if vars(module).get(cls.__name__) is cls and cls is not Checkpointing:
            return f"{library}.{cls.__name__}"
    raise TypeError(f"{_name_of(cls)} belongs to no library that a file may name.")


def _find(name: str) -> type:
    library, _, own_name = name.rpartition(".")
    found = vars(_LIBRARIES[library]).get(own_name) if library in _LIBRARIES else None
    if not isinstance(found, type) or found is Checkpointing:
        raise ValueError(f"it names {name}, which a file may not.")
    return found


def _is_checkpointing(item: Any) -> bool:
    named = isinstance(item, tuple) and len(item) == 2
    return isinstance(item[1] if named else item, Checkpointing)


def _name_of(value: Any) -> str:
    owner = value if hasattr(value, "__qualname__") else type(value)
    return f"{owner.__module__}.{owner.__qualname__}"
