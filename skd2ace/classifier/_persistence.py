"""Estimators in files from which no code is run."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import torch
from skorch import NeuralNet

import skd2ace
from skd2ace._archive import ArchiveError, read_archive, write_archive
from skd2ace.training._best_epoch import bare
from skd2ace.training._state import restore_training_state, training_state

from ._description import describe_parameters, make_parameters

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
# Parameters of these components have a say in predictions.
_PREDICTING = ("module", "dataset", "iterator_valid")


class Persistence(NeuralNet):
    """A skorch net that can be written to a file without pickle."""

    must_start_afresh_: bool

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to one file: safetensors and JSON in a zip.

        With all that further training needs, so that ``partial_fit`` goes on from the file as it
        would from the estimator; after ``trim_for_prediction`` only with what predicting needs.
        Not in the file are ``compile``, ``torch_load_kwargs`` and callbacks that write
        checkpoints: such things belong to a machine.

        Parameters
        ----------
        path : str or path
            An existing file is replaced, as a whole.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If parameters were set after the fit that make another network or optimizer.

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
        if self.must_start_afresh_:
            raise ValueError(
                "Network or optimizer were set to others after the fit: fit again before saving."
            )
        trimmed = getattr(self, "_trimmed_for_prediction", False)
        weights = {"components": {"module": bare(self.module_).state_dict()}}
        described, left_out = describe_parameters(self.get_params(deep=False))
        content = {
            "estimator": type(self).__name__,
            "written_by": f"skd2ace {skd2ace.__version__}, torch {torch.__version__}",
            "parameters": described,
            "left_out": left_out,
            "fitted": {name: getattr(self, name) for name in _FITTED if hasattr(self, name)},
            "trimmed": trimmed,
            "training": weights if trimmed else training_state(self),
        }
        write_archive(path, _KIND, content)

    def trim_for_prediction(self) -> Any:
        """Drop what only training needs, as in skorch; returns the estimator itself."""
        super().trim_for_prediction()
        return self

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
            must be given, and so must functions and classes of your own among the parameters
            ``module__...``, ``dataset`` and ``iterator_valid``. Others (``callbacks``,
            ``train_split``) should be; without them predictions are the same, but training does
            not go on as it would have.

        Returns
        -------
        CLIFClassifier, DELAClassifier, PACAClassifier, MultiLabelNetClassifier or a subclass
            Of the kind that was saved. Its ``batch_selector_`` gets its data, and with it most
            attributes, when training goes on.

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
    est = cls(**_on_a_device_that_is_there(stored), **given)
    fitted = {name: value for name, value in content["fitted"].items() if name in _FITTED}
    vars(est).update(fitted)
    est.initialize()
    est.torch_state_ = fitted["torch_state_"]
    if trimmed or missing.keys() & {"criterion", "optimizer"}:
        bare(est.module_).load_state_dict(training["components"]["module"])
    else:
        restore_training_state(est, training, training=False)
    if trimmed:
        est.trim_for_prediction()
    elif missing:
        warnings.warn(
            f"The file cannot hold {_listed(missing)}: unless load is given the same, training "
            "does not go on as it would have.",
            stacklevel=3,
        )
    return est


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
