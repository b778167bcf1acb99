"""Backbones: networks that turn images into feature maps, one's own or by name."""

import importlib
from typing import Any, cast

import torch
from torch import Tensor, nn

_TIMM = "timm/"
# The name of a library's own weights.
_DEFAULT = "DEFAULT"


def make_backbone(backbone: Any, weights: Any = None, *, is_loaded: bool = True) -> nn.Module:
    """Make a backbone of its name, or of a function; a module is itself.

    Parameters
    ----------
    backbone : str, nn.Module or callable
        A name of torchvision's ("resnet18"), or of timm's ("timm/resnet18").
    weights : str, mapping or None
        Of a name: "DEFAULT", the name of torchvision's or the tag of timm's; or a state dict, of
        the whole network with its classifier. None draws them.
    is_loaded : bool, default=True
        Whether the weights are looked for at all, or drawn, since others take their place.

    Raises
    ------
    ImportError
        If the library cannot be imported, with what to do about it.
    ValueError
        If it has no such network or weights, or a network whose feature map is not known; or if
        weights are given with a module or function.
    """
    if not isinstance(backbone, str):
        if weights is not None:
            raise ValueError(
                "weights are for backbones by name, and this one is a module or function: load "
                "them into the module."
            )
        return backbone if isinstance(backbone, nn.Module) else cast(nn.Module, backbone())
    named = weights if isinstance(weights, str) else None
    is_of_timm = backbone.startswith(_TIMM)
    make = _make_by_timm if is_of_timm else _make_by_torchvision
    network = make(backbone.removeprefix(_TIMM), named, is_loaded)
    if isinstance(weights, dict) and is_loaded:
        network.load_state_dict(weights)
    if not is_of_timm:
        return _cut(network, backbone)
    network.reset_classifier(0, "")
    return cast(nn.Module, network)


def describe_map(backbone: nn.Module, image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape (c, ...) of what a backbone makes of an image of zeros.

    Raises
    ------
    ValueError
        If it makes no features (b, c) or maps (b, c, h, w).
    """
    was_training = backbone.training
    backbone.eval()
    with torch.no_grad():
        features = backbone(torch.zeros(1, *image_shape))
    backbone.train(was_training)
    if not isinstance(features, Tensor) or features.ndim not in (2, 4):
        shape = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise ValueError(
            f"The backbone must give features (b, c) or maps (b, c, h, w), and gave {shape}."
        )
    return tuple(features.shape[1:])


def pool(features: Tensor, pooling: str | None) -> Tensor:
    """Mean ("avg") or maximum ("max") of each channel of maps; features (b, c) as they are."""
    if features.ndim == 2 or pooling is None:
        return features
    flat = features.flatten(2)
    return flat.mean(2) if pooling == "avg" else flat.amax(2)


def _import(name: str) -> Any:
    # A torchvision that does not fit torch fails with RuntimeError: an operator does not exist.
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError, AttributeError) as error:
        library = name.partition(".")[0]
        raise ImportError(
            f"A backbone by name needs {library}, which cannot be imported here ({error}). "
            f"Install the {library} that fits torch {torch.__version__}, from the same place as "
            "torch itself: `pip install 'skd2ace[images]'` where both come from PyPI. Or pass a "
            "module as backbone."
        ) from error


def _make_by_timm(name: str, weights: str | None, is_loaded: bool) -> Any:
    # The size of some networks goes by the tag.
    name = name if weights in (None, _DEFAULT) else f"{name}.{weights}"
    return _import("timm").create_model(name, pretrained=is_loaded and weights is not None)


def _make_by_torchvision(name: str, weights: str | None, is_loaded: bool) -> Any:
    try:
        return _import("torchvision.models").get_model(name, weights=weights if is_loaded else None)
    except ValueError as error:
        raise ValueError(f"torchvision has no network {name!r}: {error}") from error
    except KeyError as error:
        raise ValueError(f"torchvision has no weights {error} of {name!r}.") from error


def _cut(network: nn.Module, name: str) -> nn.Module:
    """Leave out pooling and classifier behind the last feature map."""
    features = getattr(network, "features", None)
    if isinstance(features, nn.Module):
        return features
    parts = dict(network.named_children())
    if list(parts)[-2:] == ["avgpool", "fc"]:
        return nn.Sequential(*list(parts.values())[:-2])
    raise ValueError(
        f"Where the feature map of {name!r} is, is not known: pass a module that gives it."
    )
