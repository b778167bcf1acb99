"""Estimators in files from which no code is run."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import torch
from skorch import NeuralNet

import skd2ace.networks
import skd2ace.selection
import skd2ace.training
from skd2ace._archive import ArchiveError, encode, read_archive, write_archive
from skd2ace.training._state import restore_training_state, training_state

_KIND = "estimator"
_FITTED = (
    "n_features_in_",
    "feature_names_in_",
    "classes_",
    "n_labels_",
    "best_epoch_",
    "thresholds_",
    "last_epoch_",
    "torch_state_",
)
_EMPTIED_BY_TRIMMING = ("criterion", "optimizer", "train_split", "iterator_train")
# What a file may name. Everything else that is code must be given when it is loaded.
_LIBRARIES = {
    module.__name__: module
    for module in (
        torch.nn,
        torch.optim,
        skd2ace.networks,
        skd2ace.selection,
        skd2ace.training,
    )
}


class Persistence(NeuralNet):
    """A skorch net that can be written to a file without pickle."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to one file: safetensors and JSON in a zip.

        All is there that pickle would keep, so that ``partial_fit`` goes on from the file as it
        would from the estimator. After ``trim_for_prediction`` only what predicting needs.

        Parameters
        ----------
        path : str or path
            An existing file is replaced, as a whole.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.

        See Also
        --------
        skd2ace.training.Checkpointing : For a training that may die before it ends.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> from skd2ace import CLIFClassifier
        >>> from sklearn.datasets import make_multilabel_classification
        >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
        >>> est = CLIFClassifier(max_epochs=2, random_state=0, verbose=0).fit(X, Y)
        >>> with TemporaryDirectory() as folder:
        ...     est.save(f"{folder}/clif.skd2ace")
        ...     again = CLIFClassifier.load(f"{folder}/clif.skd2ace")
        >>> bool((again.predict_proba(X) == est.predict_proba(X)).all())
        True
        """
        self.check_is_fitted()
        trimmed = getattr(self, "_trimmed_for_prediction", False)
        written, left_out = _describe_all(self.get_params(deep=False))
        content = {
            "estimator": type(self).__name__,
            "versions": {"skd2ace": skd2ace.__version__, "torch": torch.__version__},
            "parameters": written,
            "left_out": left_out,
            "fitted": {name: getattr(self, name) for name in _FITTED if hasattr(self, name)},
            "trimmed": trimmed,
            "training": (
                {"module": self.module_.state_dict()} if trimmed else training_state(self)
            ),
        }
        write_archive(path, _KIND, content)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **parameters: Any) -> Any:
        """Read an estimator that :meth:`save` wrote.

        No code from the file is run: it can name classes of this library, of ``torch.nn`` and of
        ``torch.optim``, nothing else. It opens on a machine without the GPU it was trained on.

        Parameters
        ----------
        path : str or path
        **parameters
            Take the place of those in the file, for example ``device``. A ``module`` of your own
            must be given. Other functions and classes of your own (``callbacks``,
            ``train_split``) should be; without them predictions are the same, but training does
            not go on as it would have.

        Returns
        -------
        CLIFClassifier, DELAClassifier, PACAClassifier, MultiLabelNetClassifier or a subclass
            Of the kind that was saved.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, of a format version that is not known, of an estimator that
            this class cannot load, names code that is not allowed, needs a ``module``, or does
            not fit the one given.

        Warns
        -----
        UserWarning
            If the device is not there and the CPU is taken, or a parameter that the file could
            not hold is not given.
        """
        content = read_archive(path, _KIND)
        try:
            return _rebuild(_class_of(cls, content["estimator"]), content, parameters)
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise ArchiveError(f"{path} cannot be loaded: {error}") from error


def _rebuild(cls: Callable[..., Any], content: dict[str, Any], given: dict[str, Any]) -> Any:
    missing = {k: v for k, v in content["left_out"].items() if k not in given}
    if "module" in missing:
        raise ValueError(
            f"its module {missing['module']} is not part of a library it may name: give the "
            "same class, load(path, module=...)."
        )
    stored = {k: _make(v) for k, v in content["parameters"].items() if k not in given}
    if content["trimmed"]:
        stored = {k: v for k, v in stored.items() if k not in _EMPTIED_BY_TRIMMING}
    est = cls(**_on_a_device_that_is_there(stored), **given)
    vars(est).update({k: v for k, v in content["fitted"].items() if k in _FITTED})
    state = est.torch_state_
    est.initialize()
    est.torch_state_ = state
    if content["trimmed"] or missing.keys() & {"criterion", "optimizer"}:
        est.module_.load_state_dict(content["training"]["module"])
    else:
        restore_training_state(est, content["training"])
    if content["trimmed"]:
        est.trim_for_prediction()
    elif missing:
        warnings.warn(
            f"The file cannot hold {', '.join(f'{k}={v}' for k, v in missing.items())}: unless "
            "load is given the same, training does not go on as it would have.",
            stacklevel=3,
        )
    return est


def _class_of(cls: type, name: str) -> Callable[..., Any]:
    """The class that a file names: that of ``load`` itself, or one of ours below it."""
    known = {kind.__name__: kind for kind in (cls, *_subclasses(cls))}
    if name not in known:
        raise ValueError(f"it holds a {name}, which {cls.__name__}.load does not know.")
    return known[name]


def _subclasses(cls: type) -> list[type]:
    below: list[type] = cls.__subclasses__()
    return below + [kind for child in below for kind in _subclasses(child)]


def _describe_all(parameters: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Parameters as plain values, and the names of what is no plain value."""
    written, left_out = {}, {}
    for name, value in parameters.items():
        try:
            written[name] = _describe(value)
        except TypeError:
            left_out[name] = _name_of(value)
    return written, left_out


def _describe(value: Any) -> dict[str, Any]:
    if isinstance(value, (list, tuple)):
        return {"kind": type(value).__name__, "items": [_describe(item) for item in value]}
    if isinstance(value, type):
        return {"kind": "class", "name": _public_name(value)}
    if isinstance(value, (torch.device, os.PathLike)):
        return {"kind": "value", "value": str(value)}
    if hasattr(value, "get_params"):
        parameters = value.get_params(deep=False).items()
        described = {name: _describe(parameter) for name, parameter in parameters}
        return {"kind": "object", "name": _public_name(type(value)), "parameters": described}
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
        if vars(module).get(cls.__name__) is cls:
            return f"{library}.{cls.__name__}"
    raise TypeError(f"{_name_of(cls)} belongs to no library that a file may name.")


def _find(name: str) -> Any:
    library, _, own_name = name.rpartition(".")
    found = vars(_LIBRARIES[library]).get(own_name) if library in _LIBRARIES else None
    if not isinstance(found, type):
        raise ValueError(f"it names {name}, which a file may not.")
    return found


def _name_of(value: Any) -> str:
    owner = value if hasattr(value, "__qualname__") else type(value)
    return f"{owner.__module__}.{owner.__qualname__}"


def _on_a_device_that_is_there(parameters: dict[str, Any]) -> dict[str, Any]:
    device = parameters.get("device")
    try:
        torch.empty(0, device=device or "cpu")
    except (RuntimeError, AssertionError) as error:
        warnings.warn(f"There is no {device} here ({error}): the CPU is taken.", stacklevel=4)
        return {**parameters, "device": "cpu"}
    return parameters
