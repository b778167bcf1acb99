"""Parameters as scikit-learn users expect them, where skorch lets mistakes pass."""

import inspect
from collections.abc import Callable, Iterable
from copy import copy
from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from torch.nn import Module
from typing_extensions import Self

from skd2ace._constraints import to_python
from skd2ace._devices import full_device
from skd2ace._seeding import RandomState
from skd2ace._sklearn import InvalidParameterError, validate_parameter_constraints
from skd2ace.selection import BatchSelector
from skd2ace.training import BatchSelection

from ._checks import check_callbacks, selects_batches
from ._skorch import SkorchNet

_COMPONENTS = (
    "module",
    "criterion",
    "optimizer",
    "iterator_train",
    "iterator_valid",
    "dataset",
    "compile",
)


# Other than None, which is a value that may be set.
_NOT_GIVEN = object()
# Estimators among the parameters, whose own parameters skorch would set on the net.
_NESTED = ("batch_selector__", "preprocessor__")


class ParameterizedNet(SkorchNet):
    """A skorch net with parameters as scikit-learn has them, and a nested ``batch_selector``."""

    # Whether parameters were set after a fit that make another network or optimizer.
    must_start_afresh_: bool = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}
    _fixed_parameters: ClassVar[frozenset[str]] = frozenset({"predict_nonlinearity"})

    _history: Any
    _initialized: bool
    _virtual: dict[str, Any]

    # Skorch keeps these three in attributes that end in an underscore from the constructor on;
    # scikit-learn takes such attributes for the result of a fit.
    history_ = property(
        lambda self: self._history, lambda self, value: setattr(self, "_history", value)
    )
    initialized_ = property(
        lambda self: self._initialized, lambda self, value: setattr(self, "_initialized", value)
    )
    virtual_params_ = property(
        lambda self: self._virtual, lambda self, value: setattr(self, "_virtual", value)
    )

    __repr__ = BaseEstimator.__repr__

    def __init__(
        self,
        module: Any,
        *,
        batch_selector: BatchSelector | None,
        preprocessor: Any,
        threshold: Any,
        threshold_metric: Any,
        calibration: str | None,
        label_weight: Any,
        pos_weight: Any,
        random_state: RandomState,
        **parameters: Any,
    ) -> None:
        super().__init__(module, **parameters)
        self.batch_selector = batch_selector
        self.preprocessor = preprocessor
        self.threshold = threshold
        self.threshold_metric = threshold_metric
        self.calibration = calibration
        self.label_weight = label_weight
        self.pos_weight = pos_weight
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name, with ``deep`` those of selector and callbacks too."""
        return {
            name: value
            for name, value in super().get_params(deep=deep).items()
            if not (name.startswith("_") or name in self._fixed_parameters)
        }

    def get_params_for(self, prefix: str) -> dict[str, Any]:
        """Parameters of a component, without its name, with Python's own numbers.

        Torch takes no others for the size of a batch, for example.
        """
        return {name: to_python(value) for name, value in super().get_params_for(prefix).items()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, nested ones included, before or after a fit.

        Raises
        ------
        ValueError
            If there is no such parameter. Those of components (``module__...``) are looked at
            when they are used, at fit at the latest.
        """
        nested = {k: v for k, v in params.items() if k.startswith(_NESTED)}
        own = {k: v for k, v in params.items() if k not in nested}
        prepares_otherwise = self._changes_of_preprocessor(params)
        if self.initialized_:
            self._check_before_setting(own)
        stored = {k: v for k, v in own.items() if self._is_only_stored(k)}
        super().set_params(**{k: v for k, v in own.items() if k not in stored})
        # Skorch hands these to the optimizer that is there, and forgets them for the next.
        stored |= {k: v for k, v in own.items() if k.startswith("optimizer__")}
        changed = {k for k, v in stored.items() if getattr(self, k, _NOT_GIVEN) is not v}
        self.__dict__.update(stored)
        if self.initialized_:
            watched = own.keys() & ({"device", "batch_selector"} | prepares_otherwise)
            self._follow(changed | watched)
        for name in nested:
            owner = name.partition("__")[0]
            if not hasattr(getattr(self, owner), "set_params"):
                raise ValueError(
                    f"{owner} is {getattr(self, owner)!r} and has no parameters, got {[*nested]}."
                )
        BaseEstimator.set_params(self, **nested)
        if self.initialized_:
            # Only now: what is refused leaves a fit as it was.
            self._follow(prepares_otherwise)
        return self

    def _changes_of_preprocessor(self, params: dict[str, Any]) -> set[str]:
        """Names of parameters that are to be others, of the preprocessor's and itself."""
        now = {"preprocessor": self.preprocessor}
        if hasattr(self.preprocessor, "get_params"):
            nested = self.preprocessor.get_params().items()
            now |= {f"preprocessor__{name}": value for name, value in nested}
        named = {name for name in params if name.partition("__")[0] == "preprocessor"}
        return {name for name in named if name not in now or now[name] is not params[name]}

    def _is_only_stored(self, name: str) -> bool:
        # Skorch would make callbacks before what they need is there. After a fit it would put an
        # untrained network in the place of the trained one, and refuse other components.
        component, _, parameter = name.partition("__")
        if not self.initialized_ or component == "callbacks":
            return component == "callbacks"
        return component in _COMPONENTS and not (component == "optimizer" and parameter)

    def _check_before_setting(self, params: dict[str, Any]) -> None:
        full_device(params.get("device"))
        for name in params:
            component = name.partition("__")[0]
            # Those of callbacks that come along are looked at when the callbacks are made.
            if "__" in name and not (component == "callbacks" and "callbacks" in params):
                check_component_parameter(self, name, params.get(component))

    def _follow(self, changed: set[str]) -> None:
        """Heed what was changed after a fit."""
        components = {
            name.partition("__")[0] for name in changed if not name.startswith("optimizer__")
        }
        if "device" in components:
            self._move_to_device()
        has_selection = any(isinstance(cb, BatchSelection) for _, cb in self.callbacks_)
        if "callbacks" in components or (
            # One may be wanted now that was not, or the other way round.
            components & {"iterator_train", "batch_selector"}
            and self.callbacks != "disable"
            and has_selection is not selects_batches(self)
        ):
            self._remake_callbacks()
        # With another network, optimizer or preprocessor there is nothing to go on from.
        if components & {"module", "criterion", "optimizer", "compile", "preprocessor"}:
            self.must_start_afresh_ = True

    def _move_to_device(self) -> None:
        """Bring what was trained to the device that was set, which skorch leaves behind."""
        device = full_device(self.device)
        self.module_.to(device)
        if isinstance(self.criterion_, Module):
            self.criterion_.to(device)
        if self.optimizer_ is not None:
            # Loading casts the state to where the parameters are.
            self.optimizer_.load_state_dict(self.optimizer_.state_dict())

    def _remake_callbacks(self) -> None:
        # Copies: a callback that the user gave as an instance forgets all when it is initialized.
        before = {name: copy(callback) for name, callback in self.callbacks_}
        if self.callbacks == "disable":
            self.callbacks_ = []
        else:
            self.initialize_callbacks()
        check_callbacks(self)
        for name, callback in self.callbacks_:
            same_kind = type(callback) is type(before.get(name))
            if same_kind and hasattr(callback, "continue_from"):
                callback.continue_from(before[name])


def check_parameters(net: Any) -> None:
    """Refuse misspelt and impossible parameters of a net, before anything is made of them.

    Raises
    ------
    InvalidParameterError
        If a value is of the wrong type or out of range.
    ValueError
        If there is no such parameter.
    """
    params = {k: v for k, v in net.get_params(deep=False).items() if "__" not in k}
    # A subclass may have parameters of its own, which it checks itself.
    known = net._parameter_constraints.keys() | inspect.signature(type(net)).parameters.keys()
    unknown = sorted(params.keys() - known)
    if unknown:
        raise ValueError(f"{type(net).__name__} has no parameter {unknown[0]!r}.")
    _check_selector(net, params["batch_selector"])
    validate_parameter_constraints(
        net._parameter_constraints, params, caller_name=type(net).__name__
    )
    for name in net.get_params(deep=False):
        if "__" in name:
            check_component_parameter(net, name)


def _check_selector(net: Any, selector: Any) -> None:
    # In the place of scikit-learn's words, which name a private module and no remedy.
    if selector is None or isinstance(selector, BatchSelector):
        return
    is_kind = inspect.isclass(selector) and issubclass(selector, BatchSelector)
    hint = f": an instance, {selector.__name__}(), not the class" if is_kind else ""
    raise InvalidParameterError(
        f"The 'batch_selector' parameter of {type(net).__name__} must be a "
        f"skd2ace.selection.BatchSelector or None, got {selector!r}{hint}."
    )


def check_component_parameter(net: Any, name: str, owner: Any = None) -> None:
    """Refuse a parameter ``component__parameter`` that its component does not have.

    ``owner`` is the component, where it is not yet the net's own.
    """
    component, _, parameter = name.partition("__")
    if component == "callbacks":
        _check_callback_parameter(net, parameter)
    elif component not in _COMPONENTS:
        raise ValueError(f"{type(net).__name__} has no parameter {name!r}: no {component!r}.")
    elif component != "compile" and not parameter.startswith("param_groups"):
        owner = getattr(net, component) if owner is None else owner
        known = parameter_names(owner)
        if known is not None and parameter not in known:
            raise ValueError(_no_such(name, owner, known))


def parameter_names(function: Any) -> set[str] | None:
    """Names of a callable's parameters, or None where it takes any."""
    # A module given as an instance is made anew from its class where it has parameters.
    maker: Callable = type(function) if isinstance(function, Module) else function
    parameters = inspect.signature(maker).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return None
    return set(parameters)


def takes_parameter(function: Any, name: str) -> bool:
    """Whether something can be called, and with a parameter of that name."""
    if not callable(function):
        return False
    known = parameter_names(function)
    return known is None or name in known


def _check_callback_parameter(net: Any, parameter: str) -> None:
    callbacks: dict[str, Any] = net._named_callbacks()
    callback, _, parameter_of_callback = parameter.partition("__")
    if callback not in callbacks:
        raise ValueError(
            f"There is no callback {callback!r} to set 'callbacks__{parameter}' of; there are "
            f"{', '.join(sorted(callbacks))}."
        )
    if not parameter_of_callback:
        return
    found: Any = getattr(net, f"callbacks__{callback}", callbacks[callback])
    known = parameter_names(found) if inspect.isclass(found) else set(found.get_params())
    if known is not None and parameter_of_callback not in known:
        raise ValueError(_no_such(f"callbacks__{parameter}", found, known))


def _no_such(name: str, component: Any, known: Iterable[str]) -> str:
    owner = getattr(component, "__name__", type(component).__name__)
    return f"Invalid parameter {name!r}: {owner} has {', '.join(sorted(known))}."
