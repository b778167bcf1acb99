"""Objects as text that says all there is to them, the same in every process."""

import hashlib
import inspect
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn

# They have no say in what is compared.
_OF_NO_MATTER = ("device", "verbose", "n_jobs")


def shown(thing: Any) -> str:
    """Show an object with all its parameters or attributes, functions by name.

    Generators of random numbers are shown by their kind only: every fit is seeded.
    """
    if isinstance(thing, type) or inspect.isroutine(thing):
        return f"{thing.__module__}.{thing.__qualname__}"
    if isinstance(thing, nn.Module):
        return repr((architecture(thing), shown(thing.state_dict())))
    if isinstance(thing, partial):
        return shown((thing.func, thing.args, thing.keywords))
    if isinstance(thing, np.generic):
        thing = thing.item()
    if isinstance(thing, torch.Tensor):
        thing = thing.detach().cpu().numpy()
    if sp.issparse(thing):
        thing = sp.csr_array(thing, copy=True)
        thing.sum_duplicates()
        thing.eliminate_zeros()
        places = (part.astype(np.int64) for part in (thing.indptr, thing.indices))
        return shown((thing.shape, *places, thing.data))
    if hasattr(thing, "to_numpy"):
        # The repr of a DataFrame leaves out its middle.
        thing = (type(thing).__name__, getattr(thing, "axes", None), thing.to_numpy())
    if isinstance(thing, np.ndarray) and thing.dtype == object:
        thing = (thing.shape, thing.ravel().tolist())
    if isinstance(thing, np.ndarray):
        values = np.ascontiguousarray(thing).reshape(-1).view(np.uint8)
        digest = hashlib.sha256(values.data).hexdigest()
        return f"{thing.dtype} {thing.shape} {digest}"
    if isinstance(thing, (np.random.RandomState, np.random.Generator)):
        return type(thing).__name__
    if isinstance(thing, Mapping):
        return repr([(shown(key), shown(value)) for key, value in thing.items()])
    if isinstance(thing, (list, tuple)):
        return repr([shown(part) for part in thing])
    if isinstance(thing, (set, frozenset)):
        return repr(sorted(map(shown, thing)))
    if hasattr(thing, "get_params"):
        return repr((type(thing).__name__, sorted(_parameters(thing))))
    return _without_addresses(thing)


def architecture(module: nn.Module) -> str:
    """Show a module with the settings of all its parts, but not its weights."""
    settings = [
        {k: v for k, v in vars(part).items() if k != "training" and not k.startswith("_")}
        for part in module.modules()
    ]
    return repr((repr(module), shown(settings)))


def digest(thing: Any) -> str:
    """Return 16 characters that tell an object from others that are shown otherwise."""
    return hashlib.sha256(shown(thing).encode()).hexdigest()[:16]


def _parameters(thing: Any) -> list[tuple[str, str]]:
    parameters = thing.get_params(deep=False).items()
    return [(name, shown(value)) for name, value in parameters if name not in _OF_NO_MATTER]


def _without_addresses(thing: Any) -> str:
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))
    # What shows an address, and splitters, keep something that they do not show.
    hides = text != repr(thing) or hasattr(thing, "split")
    return text + (shown(vars(thing)) if hides and hasattr(thing, "__dict__") else "")
