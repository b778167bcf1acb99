"""Files of plain values and tensors: a zip of JSON and safetensors, from which no code is run."""

import json
import math
import os
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from skd2ace._atomic import replace_file

_FORMAT = "skd2ace"
_VERSION = 1
_CONTENT, _TENSORS = "content.json", "tensors.safetensors"


class ArchiveError(ValueError):
    """A file is damaged, not one of ours, or of a version that is not known."""


def write_archive(path: str | os.PathLike[str], kind: str, content: Mapping[str, Any]) -> None:
    """Write nested values to a file that is either whole or not there.

    Whoever looks, and whatever dies in between, finds the old file or the new one.

    Parameters
    ----------
    path : str or path
    kind : str
        What the content is; asked for again when it is read.
    content : dict
        None, bool, int, float, str, tensors, arrays of numbers or strings, and lists, tuples, sets
        and dictionaries of these.

    Raises
    ------
    TypeError
        If a value is of another kind.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(
        {"format": _FORMAT, "version": _VERSION, "kind": kind, "content": encode(content, tensors)},
        allow_nan=False,
    )
    with (
        replace_file(path) as file,
        # Stored as they are: weights do not shrink, and nothing can swell when it is read.
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):
        archive.writestr(_CONTENT, text)
        archive.writestr(_TENSORS, save(_copies(tensors)))


def read_archive(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Read what :func:`write_archive` wrote; all tensors are on the host.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ArchiveError
        If the file is damaged, of another kind, or of a version that is not known; the message
        names it.
    """
    # What the system says of the name stands as it is; all that fails afterwards is damage.
    with open(path, "rb") as file:
        try:
            return _read_parts(path, file, kind)
        except (ArchiveError, MemoryError):
            raise
        except Exception as error:
            raise ArchiveError(f"{path} is damaged: {error}") from error


def encode(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Turn nested values into what JSON has, and put their tensors into ``tensors``.

    What JSON does not have becomes a dictionary of one key that begins with a dollar sign.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, (Tensor, np.ndarray)) and 0 in value.shape:
        return _encode_empty(value)
    if isinstance(value, Tensor):
        return {"$tensor": _add(value, tensors)}
    if isinstance(value, np.ndarray):
        return _encode_array(value, tensors)
    # Exactly these: a Counter that comes back as a plain dictionary would be another thing.
    if type(value) in (dict, OrderedDict):
        return _encode_mapping(value, tensors)
    if type(value) in (list, tuple, set):
        items = [encode(item, tensors) for item in value]
        return items if type(value) is list else {f"${type(value).__name__}": items}
    raise TypeError(f"A {type(value).__name__} cannot be written: {value!r}.")


def decode(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Turn back what :func:`encode` made; mappings come back as plain dictionaries."""
    if isinstance(value, list):
        return [decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    tag = next(iter(value), "")
    if not tag.startswith("$"):
        return {key: decode(item, tensors) for key, item in value.items()}
    (inside,) = value.values()
    if tag == "$float":
        return float(inside)
    if tag == "$tensor":
        return tensors[inside]
    if tag == "$empty":
        kind, dtype, shape = inside
        empty = np.empty(shape, dtype)
        return empty if kind == "array" else torch.from_numpy(empty)
    if tag == "$array":
        return tensors[inside].numpy()
    if tag == "$strings":
        return np.array(decode(inside[1], tensors), dtype=inside[0])
    if tag in ("$tuple", "$set"):
        return {"$tuple": tuple, "$set": set}[tag](decode(inside, tensors))
    if tag == "$items":
        return {decode(key, tensors): decode(item, tensors) for key, item in inside}
    raise ArchiveError(f"An unknown kind of value, {tag!r}.")


def _add(tensor: Tensor, tensors: dict[str, Tensor]) -> str:
    name = str(len(tensors))
    tensors[name] = tensor
    return name


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # Tensors that share their memory, or leave gaps in it, cannot be written.
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }


def _encode_empty(value: np.ndarray | Tensor) -> dict[str, Any]:
    """Say all there is to an array of nothing: older safetensors cannot read one."""
    kind = "tensor" if isinstance(value, Tensor) else "array"
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
    if array.dtype.kind not in "biufOU":
        raise TypeError(f"An array of {array.dtype} cannot be written.")
    return {"$empty": [kind, array.dtype.str, list(array.shape)]}


def _encode_array(array: np.ndarray, tensors: dict[str, Tensor]) -> dict[str, Any]:
    if array.dtype.kind in "biuf":
        # A copy: torch takes no memory that is read-only, as that of a frame or a file may be.
        native = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
        return {"$array": _add(torch.from_numpy(native.reshape(array.shape)), tensors)}
    # Anything else in an array of objects is refused where it stands.
    dtype = "object" if array.dtype.kind == "O" else array.dtype.str
    if array.dtype.kind not in "OU":
        raise TypeError(f"An array of {array.dtype} cannot be written.")
    return {"$strings": [dtype, encode(array.tolist(), tensors)]}


def _encode_mapping(value: Mapping[Any, Any], tensors: dict[str, Tensor]) -> dict[str, Any]:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: encode(item, tensors) for key, item in value.items()}
    return {"$items": [[encode(k, tensors), encode(v, tensors)] for k, v in value.items()]}


def _read_parts(path: str | os.PathLike[str], file: BinaryIO, kind: str) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise ArchiveError(f"{path} is no file of skd2ace: its parts are compressed.")
        # Reading a part to its end compares it with its checksum.
        head = json.loads(archive.read(_CONTENT))
        _check_head(path, head, kind)
        return decode(head["content"], load(archive.read(_TENSORS)))


def _check_head(path: str | os.PathLike[str], head: Any, kind: str) -> None:
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise ArchiveError(f"{path} is no file of skd2ace.")
    if head.get("version") != _VERSION:
        raise ArchiveError(
            f"{path} has version {head.get('version')!r} of the format; this skd2ace reads "
            f"version {_VERSION}."
        )
    if head.get("kind") != kind:
        raise ArchiveError(f"{path} holds a {head.get('kind')!r}, not a {kind!r}.")
