"""Objects as text that says all there is to them, the same in every process."""

import hashlib
import inspect
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import CodeType, ModuleType
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn

from ._stored import StoredFeatures

# They have no say in what is compared.
_OF_NO_MATTER = ("device", "verbose", "n_jobs")
# Parameters that version 0.1 had not, and with which values they do what it did: left out where
# they have these, so that what was written then is found again.
NEW_SINCE_0_1 = {
    "label_weight": None,
    "pos_weight": None,
    "preprocessor": None,
    "threshold_metric": "macro_f1",
    "calibration": None,
    "sampling": "softmax",
    # On all but very large data.
    "neighbors": "auto",
}
# No estimator is nested so deep; a chain of objects that hold each other may be.
_DEEPEST = 100


def describe(thing: Any) -> str:
    """Show an object with all its parameters or attributes, as JSON; functions by name.

    Where many functions have a name (lambdas, inner functions, methods of instances), by what they
    do and keep too; what they read from their module by name is not looked at.
    What is no plain value is an object of one entry, whose key is its kind. Generators of random
    numbers are shown by their kind only: every fit is seeded. So is what holds itself.
    """
    plain = _plain(thing, ())
    if isinstance(plain, dict) and set(plain) == {"name"}:
        return plain["name"]
    return _written(plain)


def describe_briefly(thing: Any) -> str:
    """Show an estimator in one line, by the parameters that are not its class's defaults."""
    return " ".join(_without_addresses(thing).split())


def describe_architecture(module: nn.Module) -> str:
    """Show a module with the settings of all its parts, but not its weights."""
    return _written(_parts(module, (module,)))


def describe_instructions(code: CodeType) -> str:
    """Show what a function's code does, whatever the function and its variables are called."""
    constants = [
        describe_instructions(constant) if isinstance(constant, CodeType) else describe(constant)
        for constant in code.co_consts
    ]
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return describe([code.co_code.hex(), list(code.co_names), constants, arguments])


def read_closure(function: Any) -> dict[str, Any]:
    """Variables of outer functions by name, but those that are not set yet."""
    values = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):
            values[name] = cell.cell_contents
    return values


def digest(thing: Any) -> str:
    """Return 16 characters that tell an object from others that are shown otherwise."""
    return hashlib.sha256(describe(thing).encode()).hexdigest()[:16]


def _written(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False)


def _plain(thing: Any, path: tuple[Any, ...]) -> Any:
    """What JSON can hold of an object that lies in those of the path."""
    if isinstance(thing, np.generic):
        thing = thing.item()
    if thing is None or type(thing) in (bool, int, float, str):
        return thing
    if isinstance(thing, type):
        return _name(thing)
    if isinstance(thing, ModuleType):
        return {"name": thing.__name__}
    if isinstance(thing, (np.random.RandomState, np.random.Generator)):
        return {"generator": type(thing).__name__}
    if len(path) > _DEEPEST or any(outer is thing for outer in path):
        return {"within": type(thing).__name__}
    path = (*path, thing)
    if inspect.isroutine(thing):
        return _routine(thing, path)
    if isinstance(thing, torch.Tensor):
        return _array(thing.detach().cpu().numpy(), path)
    if isinstance(thing, np.ndarray):
        return _array(thing, path)
    if isinstance(thing, StoredFeatures):
        return _stored(thing)
    if isinstance(thing, (list, tuple)):
        return [_plain(part, path) for part in thing]
    if isinstance(thing, (set, frozenset)):
        return {"set": sorted((_plain(part, path) for part in thing), key=_written)}
    if isinstance(thing, Mapping):
        return _mapping(thing, path)
    return _of_kind(thing, path)


def _name(thing: Any) -> dict[str, str]:
    return {"name": f"{thing.__module__}.{thing.__qualname__}"}


def _routine(thing: Any, path: tuple[Any, ...]) -> dict[str, Any]:
    """A function by its name, and by what tells it from others of this name."""
    plain: dict[str, Any] = _name(thing)
    parts: dict[str, Any] = {}
    owner, code = getattr(thing, "__self__", None), getattr(thing, "__code__", None)
    if owner is not None and not isinstance(owner, (type, ModuleType)):
        # Neither parameters nor a repr tell what a fitted estimator has learned.
        parts["of"] = [_plain(owner, path), _mapping(getattr(owner, "__dict__", {}), path)]
    if code is not None and re.search("<locals>|<lambda>", thing.__qualname__):
        parts["code"] = digest(describe_instructions(code))
        kept = read_closure(thing) | _read_defaults(thing)
        parts["kept"] = {"dict": [[name, _in_use(kept[name], path)] for name in kept]}
    return {"function": {**plain, **parts}} if parts else plain


def _read_defaults(function: Any) -> dict[str, Any]:
    parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    return {taken.name: taken.default for taken in parameters if taken.default is not taken.empty}


def _in_use(thing: Any, path: tuple[Any, ...]) -> Any:
    """An object that is not cloned before it is used: of an estimator, what it has learned too."""
    shown = _plain(thing, path)
    is_estimator = hasattr(thing, "get_params") and not isinstance(thing, type)
    return [shown, _mapping(vars(thing), path)] if is_estimator else shown


def _of_kind(thing: Any, path: tuple[Any, ...]) -> dict[str, Any]:
    if isinstance(thing, nn.Module):
        return {"module": [_parts(thing, path), _plain(thing.state_dict(), path)]}
    if isinstance(thing, partial):
        return {"partial": _plain([thing.func, thing.args, thing.keywords], path)}
    if sp.issparse(thing):
        return {"sparse": _plain(_places_and_values(thing), path)}
    if hasattr(thing, "to_numpy"):
        # The repr of a DataFrame leaves out its middle.
        parts = [getattr(thing, "axes", None), thing.to_numpy()]
        return {type(thing).__name__: _plain(parts, path)}
    if hasattr(thing, "get_params"):
        parameters = sorted(thing.get_params(deep=False).items())
        new = {name for name, value in parameters if _is_as_in_0_1(name, value)}
        kept = {k: value for k, value in parameters if k not in _OF_NO_MATTER and k not in new}
        return {type(thing).__name__: {name: _plain(kept[name], path) for name in kept}}
    text = _without_addresses(thing)
    # What shows an address, and splitters, keep something that they do not show.
    hides = text != repr(thing) or hasattr(thing, "split")
    if hides and hasattr(thing, "__dict__"):
        return {"repr": [text, _mapping(vars(thing), path)]}
    return {"repr": text}


def _is_as_in_0_1(name: str, value: Any) -> bool:
    return (value is None or isinstance(value, str)) and NEW_SINCE_0_1.get(name, ...) == value


def _array(values: Any, path: tuple[Any, ...]) -> dict[str, Any]:
    if values.dtype == object:
        return {"array": [list(values.shape), _plain(values.ravel().tolist(), path)]}
    content = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    return {"array": f"{values.dtype} {values.shape} {hashlib.sha256(content.data).hexdigest()}"}


def _stored(features: StoredFeatures) -> dict[str, Any]:
    """As the same features in memory."""
    content = hashlib.sha256()
    for block in features.blocks():
        content.update(block.numpy().data)
    return {"array": f"float32 {features.shape} {content.hexdigest()}"}


def _mapping(thing: Mapping[Any, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    return {"dict": [[_plain(key, path), _plain(value, path)] for key, value in thing.items()]}


def _places_and_values(matrix: Any) -> list[Any]:
    matrix = sp.csr_array(matrix, copy=True)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    places = (part.astype(np.int64) for part in (matrix.indptr, matrix.indices))
    return [matrix.shape, *places, matrix.data]


def _parts(module: nn.Module, path: tuple[Any, ...]) -> list[Any]:
    settings = [
        {k: v for k, v in vars(part).items() if k != "training" and not k.startswith("_")}
        for part in module.modules()
    ]
    return [repr(module), _plain(settings, path)]


def _without_addresses(thing: Any) -> str:
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))
