"""The private parts of scikit-learn that the package uses: all of them, and nowhere else."""

from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

__all__ = [
    "Interval",
    "Options",
    "StrOptions",
    "validate_parameter_constraints",
]
