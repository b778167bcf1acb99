"""What schedules of the learning rate have in common: full rates, and shares of them."""

from math import isclose
from typing import Any

from skorch.callbacks import Callback
from typing_extensions import Self


class RateSchedule(Callback):
    """Base of callbacks that set the learning rates to a share of the full ones.

    Full rates are those that the optimizer has when a training begins, unless a schedule set them:
    what a user sets between two trainings counts in the second.
    """

    def initialize(self) -> Self:
        """Forget the full rates."""
        self.full_rates_: list[float] | None = None
        self.set_rates_: list[float] = []
        return self

    def continue_from(self, other: "RateSchedule") -> None:
        """Take over the full rates of a callback that this one replaces between trainings."""
        self.full_rates_, self.set_rates_ = other.full_rates_, other.set_rates_

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Note the full rates."""
        rates = [group["lr"] for group in net.optimizer_.param_groups]
        schedules = [cb for _, cb in net.callbacks_ if isinstance(cb, RateSchedule)]
        # Close is enough: a net may have made the rates anew from one another.
        setting = [one for one in schedules if _close(rates, one.set_rates_)]
        if not setting:
            self.full_rates_ = rates
        elif self.full_rates_ is None:
            self.full_rates_ = setting[0].full_rates_

    def set_share(self, net: Any, share: float) -> None:
        """Set each group's rate to a share of its full one."""
        assert self.full_rates_ is not None
        for group, rate in zip(net.optimizer_.param_groups, self.full_rates_, strict=True):
            group["lr"] = share * rate
        self.set_rates_ = [group["lr"] for group in net.optimizer_.param_groups]


def _close(rates: list[float], others: list[float]) -> bool:
    pairs = zip(rates, others, strict=False)
    return len(rates) == len(others) and all(isclose(a, b, rel_tol=1e-9) for a, b in pairs)
