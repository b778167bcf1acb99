"""Backbones: networks that turn images into feature maps, one's own or by name."""

import importlib
from typing import Any, cast

import torch
from torch import Tensor, nn

_TIMM = "timm/"


def make_backbone(backbone: Any, weights: Any = None) -> nn.Module:
    """Make a backbone of its name, or of a function; a module is itself.

    Parameters
    ----------
    backbone : str, nn.Module or callable
        A name of torchvision's ("resnet18"), or of timm's ("timm/resnet18").
    weights : str, mapping or None
        Of a name: what torchvision or timm take, "DEFAULT" or True for their own; or a state dict,
        of the whole network with its classifier. None draws them.

    Raises
    ------
    ImportError
        If the library cannot be imported, with what to do about it.
    ValueError
        If it has no such network, or one whose feature map is not known.
    """
    if isinstance(backbone, nn.Module):
        return backbone
    if not isinstance(backbone, str):
        module: nn.Module = backbone()
        return module
    state = weights if isinstance(weights, dict) else None
    named = None if state is not None else weights
    if backbone.startswith(_TIMM):
        name = backbone.removeprefix(_TIMM)
        network = _import("timm").create_model(name, pretrained=bool(named))
        _load(network, state)
        network.reset_classifier(0, "")
        return cast(nn.Module, network)
    try:
        network = _import("torchvision.models").get_model(backbone, weights=named)
    except ValueError as error:
        raise ValueError(f"torchvision has no network {backbone!r}: {error}") from error
    _load(network, state)
    return _cut(network, backbone)


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


def _load(network: Any, state: dict[str, Tensor] | None) -> None:
    if state is not None:
        network.load_state_dict(state)


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
