"""Estimators in files from which no code is run."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted

import skd2ace
from skd2ace._archive import ArchiveError, read_archive, write_archive
from skd2ace._describe import digest
from skd2ace._modules import has_lazy_parts, unwrap_compiled
from skd2ace.training import BatchIterator, SelectedBatches
from skd2ace.training._state import restore_training_state, training_state

from ._description import describe_parameters, make_parameters
from ._thresholds import read_by_label
from ._transformer_state import describe_transformer, make_transformer

_KIND = "estimator"
_FITTED = (
    "n_features_in_",
    "feature_names_in_",
    "classes_",
    "n_labels_",
    "label_names_in_",
    "n_samples_fit_",
    "train_indices_",
    "valid_indices_",
    "bad_images_",
    "best_epoch_",
    "thresholds_",
    "batch_size_",
    "oob_proba_",
    "oob_score_",
    "temperature_",
    "intercept_",
    "pos_weight_",
    "last_epoch_",
    "torch_state_",
    "_instance_shape",
    "_judged_by",
    "_trained_on",
)
_EMPTIED_BY_TRIMMING = ("criterion", "optimizer", "train_split", "iterator_train")
# Parameters of these components have a say in predictions.
_PREDICTING = (
    "module", "dataset", "iterator_valid", "preprocessor", "backbone", "head", "transform",
)  # fmt: skip


def write_estimator(est: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator: see :meth:`MultiLabelNetClassifier.save`."""
    if est.must_start_afresh_:
        raise ValueError(
            "Network, optimizer or preprocessor were set to others after the fit: fit again before "
            "saving."
        )
    weights = {"components": {"module": unwrap_compiled(est.module_).state_dict()}}
    by_label = ("threshold", "label_weight", "pos_weight")
    given = est.get_params(deep=False) | {name: read_by_label(est, name) for name in by_label}
    described, left_out = describe_parameters(given)
    prepared = None
    if "preprocessor" not in left_out and hasattr(est, "preprocessor_"):
        prepared = describe_transformer(est.preprocessor_)
    content = {
        "estimator": type(est).__name__,
        "written_by": f"skd2ace {skd2ace.__version__}, torch {torch.__version__}",
        "parameters": described,
        "left_out": left_out,
        "fitted": {name: getattr(est, name) for name in _FITTED if hasattr(est, name)},
        "preprocessor": prepared,
        "frozen": _digest_frozen(est),
        "trimmed": est._is_trimmed,
        "training": weights if est._is_trimmed else training_state(est),
    }
    write_archive(path, _KIND, content)


def read_estimator(cls: type, path: str | os.PathLike[str], parameters: dict[str, Any]) -> Any:
    """Read an estimator, of a class or one below: see :meth:`MultiLabelNetClassifier.load`."""
    content = read_archive(path, _KIND)
    try:
        return _rebuild(_class_of(cls, content["estimator"]), content, parameters)
    # Whatever a file holds that has the right form and the wrong content.
    except Exception as error:
        writer = content.get("written_by")
        raise ArchiveError(f"{path}, of {writer}, cannot be loaded: {error}") from error


def _rebuild(cls: Callable[..., Any], content: dict[str, Any], given: dict[str, Any]) -> Any:
    missing = {k: v for k, v in content["left_out"].items() if k not in given}
    _check_given(missing)
    stored = make_parameters({k: v for k, v in content["parameters"].items() if k not in given})
    training, trimmed = content["training"], content["trimmed"]
    if trimmed:
        stored = {k: v for k, v in stored.items() if k not in _EMPTIED_BY_TRIMMING}
    if stored.get("iterator_train") is BatchIterator:
        # Version 0.1 had this one serve what was selected too.
        stored["iterator_train"] = SelectedBatches
    est = cls(**_on_a_device_that_is_there(stored), **given)
    fitted = {name: value for name, value in content["fitted"].items() if name in _FITTED}
    vars(est).update(fitted)
    _restore_preprocessor(est, content, given)
    est._initialize_for_weights()
    _check_frozen(est, content.get("frozen"))
    est.torch_state_ = fitted["torch_state_"]
    is_other = _is_other_optimizer(content, given)
    if trimmed or is_other or missing.keys() & {"criterion", "optimizer"}:
        unwrap_compiled(est.module_).load_state_dict(training["components"]["module"])
    else:
        restore_training_state(est, training, training=False)
        # The optimizer's state has the settings of the file.
        est.set_params(**{k: v for k, v in given.items() if _is_of_optimizer(k)})
    if trimmed:
        est.trim_for_prediction()
    elif is_other:
        warnings.warn(
            "The file has the state of another optimizer: training goes on from the weights alone.",
            stacklevel=3,
        )
    elif missing:
        warnings.warn(
            f"The file cannot hold {_listed(missing)}: unless load is given the same, training "
            "does not go on as it would have.",
            stacklevel=3,
        )
    return est


def _is_other_optimizer(content: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether load was given another optimizer than that whose state is in the file."""
    described = content["parameters"].get("optimizer")
    if described is None or "optimizer" not in given:
        return False
    return make_parameters({"optimizer": described})["optimizer"] is not given["optimizer"]


def _is_of_optimizer(name: str) -> bool:
    # Groups are part of the state.
    return name == "lr" or (name.startswith("optimizer__") and "param_groups" not in name)


def _restore_preprocessor(est: Any, content: dict[str, Any], given: dict[str, Any]) -> None:
    """Take the preprocessor that load was given, fitted, or the one in the file."""
    described = content.get("preprocessor")
    chosen = given.get("preprocessor", None if described is None else "auto")
    if hasattr(chosen, "fit"):
        check_is_fitted(chosen)
        est.preprocessor_ = chosen
    elif described is not None and chosen == "auto":
        est.preprocessor_ = make_transformer(described)
    elif described is not None or "preprocessor" in content["left_out"] or chosen is not None:
        raise ValueError(f"preprocessor must be given as it was fitted, got {chosen!r}.")


def _digest_frozen(est: Any) -> str | None:
    """What tells the weights of a frozen backbone, which no file holds; None where not known."""
    backbone = getattr(getattr(est, "features_", None), "backbone_", None)
    # Those that have no size yet will be drawn, the same ones each time.
    if backbone is None or has_lazy_parts(backbone):
        return None
    return digest(backbone.state_dict())


def _check_frozen(est: Any, written: str | None) -> None:
    if written is None:
        return
    est.features_.fit()
    if _digest_frozen(est) not in (None, written):
        raise ValueError(
            "the backbone that is frozen has other weights than the one it was fitted with: give "
            "the same, load(path, backbone=...)."
        )


def _check_given(missing: dict[str, str]) -> None:
    needed = {k: v for k, v in missing.items() if k.partition("__")[0] in _PREDICTING}
    if needed:
        raise ValueError(
            f"the file cannot hold {_listed(needed)}: give the same, "
            f"load(path, {', '.join(f'{name}=...' for name in needed)})."
        )


def _listed(parameters: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())


def _class_of(cls: type, name: str) -> Callable[..., Any]:
    """The class that a file names: that of ``load`` itself, or one of ours below it."""
    known = {kind.__name__: kind for kind in (cls, *_subclasses(cls))}
    if name not in known:
        raise ValueError(f"it holds a {name}, which {cls.__name__}.load does not know.")
    return known[name]


def _subclasses(cls: type) -> list[type]:
    below: list[type] = cls.__subclasses__()
    return below + [kind for child in below for kind in _subclasses(child)]


def _on_a_device_that_is_there(parameters: dict[str, Any]) -> dict[str, Any]:
    device = parameters.get("device")
    try:
        torch.empty(0, device=device or "cpu")
    except (RuntimeError, AssertionError) as error:
        warnings.warn(f"There is no {device} here ({error}): the CPU is taken.", stacklevel=4)
        return {**parameters, "device": "cpu"}
    return parameters
