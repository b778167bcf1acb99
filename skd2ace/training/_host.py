"""Weights that callbacks keep, as they are pickled."""

from typing import Any


def bring_to_host(attributes: dict[str, Any], *names: str) -> dict[str, Any]:
    """Copy attributes, the weights of these names on the host: a file opens without a GPU too."""
    kept = {name: attributes[name] for name in names if attributes.get(name)}
    weights = {name: {key: t.cpu() for key, t in tensors.items()} for name, tensors in kept.items()}
    return {**attributes, **weights}
