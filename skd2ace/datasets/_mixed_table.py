"""A table as practitioners have them, made up: numbers, categories, gaps and rare labels."""

from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skd2ace._sklearn import Interval, validate_parameter_constraints

Columns = dict[str, NDArray]

_N_WARDS, _N_DIAGNOSES, _N_SITES = 12, 60, 25
_LEVELS = {
    "sex": ["female", "male"],
    "admission": ["planned", "emergency", "transfer"],
    "smoking": ["never", "former", "current"],
    "ward": [f"W{i}" for i in range(_N_WARDS)],
    "diagnosis": [f"D{i:02}" for i in range(_N_DIAGNOSES)],
    "site": [f"S{i:02}" for i in range(_N_SITES)],
}
# Shares of the patients who have a label.
_SHARES = {
    "readmitted": 0.25,
    "heart_failure": 0.15,
    "pneumonia": 0.12,
    "delirium": 0.10,
    "kidney_injury": 0.08,
    "intensive_care": 0.06,
    "sepsis": 0.03,
    "bleeding": 0.025,
}
# Of the noise against scores of a standard deviation near 1.5; the logistic one's is 1.8 of it.
_NOISE = 0.6


def make_mixed_table(n_samples: int = 1500, *, random_state: Any = None) -> tuple[Any, Any]:
    """Make up a practitioner's table: admissions to hospitals, with eight labels of each.

    Twelve measures (skewed, heavy-tailed, or bell-shaped), two counts and six categories, one of
    sixty levels of which most are rare. Values are missing, most of them not at random: lactate and
    troponin are measured where something is suspected, height and weight less often of those who
    come as an emergency, and who was never admitted has no days since then. Labels go together, as
    they depend on what is not in the table (frailty, infection, state of the heart), and on
    measures in ways that are not straight: blood pressure is bad when high and when low, kidneys
    suffer of drugs when they are weak already. Their noise is logistic. No patient is real.

    Parameters
    ----------
    n_samples : int, default=1500
        Rows, 50 at least.
    random_state : int, RandomState or None
        Of the rows; what they are drawn from is always the same, so that other seeds give other
        rows of it. A label's positives are the top share of the rows of each table: the cut-offs
        of two tables differ a little.

    Returns
    -------
    X : DataFrame of shape (n_samples, 20)
        Numbers as float64 with NaN where missing, counts as int64, categories as ``category``.
    Y : DataFrame of shape (n_samples, 8), int64 of 0/1
        Labels by name; of a quarter of the rows down to 2.5 % (``bleeding``), rounded to rows.

    Raises
    ------
    ImportError
        If pandas is not installed.
    ValueError
        If ``n_samples`` is not a whole number of 50 or more.

    Examples
    --------
    >>> from skd2ace.datasets import make_mixed_table
    >>> X, Y = make_mixed_table(random_state=0)
    >>> X.shape, Y.shape
    ((1500, 20), (1500, 8))
    """
    constraints = {"n_samples": [Interval(Integral, 50, None, closed="left")]}
    validate_parameter_constraints(constraints, {"n_samples": n_samples}, "make_mixed_table")
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "make_mixed_table needs pandas: `pip install 'skd2ace[data]'`."
        ) from error
    rng = check_random_state(random_state)
    hidden = {name: rng.normal(size=n_samples) for name in ("frailty", "infection", "heart")}
    categories = _draw_categories(rng, hidden)
    numbers = _draw_numbers(rng, hidden, categories)
    labels = _draw_labels(rng, hidden, categories, numbers)
    _leave_gaps(rng, hidden, categories, numbers)
    # Of the same levels in every table, also of few rows.
    declared = {name: pd.Categorical(categories[name], levels) for name, levels in _LEVELS.items()}
    return pd.DataFrame(numbers | declared), pd.DataFrame(labels)


def _draw_categories(rng: RandomState, hidden: Columns) -> Columns:
    n = len(hidden["frailty"])
    # Few diagnoses are frequent; what a patient has inclines to some of them.
    frequent = 1 / np.arange(1, _N_DIAGNOSES + 1)
    lean = np.exp(np.outer(hidden["infection"], _levels("diagnosis leans", _N_DIAGNOSES)))
    diagnosis = _choose(rng, lean * frequent)
    urgency = np.column_stack((0.3 - hidden["frailty"], hidden["infection"], np.full(n, -1.2)))
    smoking = np.column_stack((np.full(n, 0.9), np.full(n, 0.3), 0.5 * hidden["heart"]))
    wards = np.ones((n, _N_WARDS)) + 4 * (np.arange(_N_WARDS) == diagnosis[:, None] % _N_WARDS)
    chosen = {
        "sex": rng.randint(2, size=n),
        "admission": _choose(rng, np.exp(urgency)),
        "smoking": _choose(rng, np.exp(smoking)),
        "ward": _choose(rng, wards),
        "diagnosis": diagnosis,
        "site": rng.randint(_N_SITES, size=n),
    }
    return {name: np.array(_LEVELS[name], dtype=object)[chosen[name]] for name in chosen}


def _draw_numbers(rng: RandomState, hidden: Columns, categories: Columns) -> Columns:
    frailty, infection, heart = hidden.values()
    n = len(frailty)

    def noise(scale: float) -> NDArray[np.float64]:
        return rng.normal(scale=scale, size=n)

    is_male = categories["sex"] == "male"
    age = np.clip(np.round(64 + 11 * frailty + noise(13)), 18, 99)
    height = 164 + 13 * is_male + noise(7)
    visits = rng.negative_binomial(1, 1 / (1 + np.exp(-0.4 + 0.5 * frailty)))
    kidney = 0.35 * frailty + 0.012 * (age - 64)
    return {
        "age": age,
        "height": np.round(height),
        "weight": np.round((height / 100) ** 2 * np.exp(3.27 + 0.06 * heart + noise(0.16)), 1),
        "systolic": np.round(132 + 9 * heart - 9 * infection + noise(17)),
        "heart_rate": np.round(82 + 8 * infection + noise(14)),
        "temperature": np.round(37 + 0.45 * np.maximum(infection, -0.5) + noise(0.4), 1),
        "haemoglobin": np.round(13 + is_male - 0.8 * frailty + noise(1.5), 1),
        "creatinine": np.round(np.exp(-0.1 + kidney + noise(0.35)), 2),
        "crp": np.round(np.exp(2.6 + 1.1 * infection + noise(1)), 1),
        "lactate": np.round(np.exp(0.3 + 0.25 * infection + noise(0.4)), 1),
        # Of three degrees of freedom before it is raised to a power.
        "troponin": np.round(np.exp(2 + 0.6 * heart + 0.7 * rng.standard_t(3, size=n)), 1),
        "days_since_last": np.where(visits, np.ceil(rng.exponential(200, size=n)), np.nan),
        "n_drugs": rng.poisson(np.exp(1.3 + 0.35 * frailty + 0.15 * heart)),
        "n_visits": visits,
    }


def _draw_labels(
    rng: RandomState, hidden: Columns, categories: Columns, numbers: Columns
) -> Columns:
    """Those of the highest scores, after noise."""
    scores = _score(hidden, categories, numbers)
    labels = {}
    for name, share in _SHARES.items():
        noisy = scores[name] + rng.logistic(scale=_NOISE, size=len(scores[name]))
        n_positive = int(np.ceil(share * len(noisy)))
        labels[name] = (noisy >= np.sort(noisy)[-n_positive]).astype(np.int64)
    return labels


def _score(hidden: Columns, categories: Columns, numbers: Columns) -> Columns:
    frailty, infection, heart = hidden.values()
    old = np.maximum(numbers["age"] - 70, 0) / 10
    drugs, visits = numbers["n_drugs"], numbers["n_visits"]
    creatinine, crp = np.log(numbers["creatinine"]), np.log1p(numbers["crp"]) - 2.7
    pressure = (numbers["systolic"] - 130) / 20
    troponin = np.log1p(numbers["troponin"]) - 2.2
    pale = np.maximum(12 - numbers["haemoglobin"], 0)
    is_urgent = categories["admission"] == "emergency"
    smokes = categories["smoking"] == "current"
    recent = visits * np.exp(-np.nan_to_num(numbers["days_since_last"], nan=1e3) / 90)
    shock = np.maximum(-pressure, 0) * np.maximum(infection, 0)
    diagnosis = partial(_effects, categories["diagnosis"], "diagnosis", _N_DIAGNOSES)
    ward = partial(_effects, categories["ward"], "ward", _N_WARDS)
    site = partial(_effects, categories["site"], "site", _N_SITES)
    return {
        "readmitted": 0.8 * recent + 0.4 * frailty + 0.12 * drugs + 0.7 * site("readmitted"),
        "heart_failure": 0.8 * heart + 0.7 * troponin + 0.4 * pressure**2 + 0.5 * old
        + 0.6 * diagnosis("heart_failure"),
        "pneumonia": 0.9 * crp + 0.6 * infection + 0.9 * smokes * (1 + old)
        + 0.7 * diagnosis("pneumonia"),
        "delirium": 0.7 * old * np.sqrt(drugs) + 0.5 * frailty + 0.5 * is_urgent
        + 0.4 * ward("delirium"),
        "kidney_injury": 1.2 * creatinine + 0.25 * drugs * (creatinine > 0.2) + 0.7 * shock
        + 0.5 * diagnosis("kidney_injury"),
        "intensive_care": 1.2 * shock + 0.5 * np.maximum(troponin, 0) + 0.9 * is_urgent
        + 0.5 * np.log(numbers["lactate"]) * crp + 0.5 * ward("intensive_care"),
        "sepsis": 1.3 * shock + 0.7 * crp + 0.5 * (numbers["temperature"] - 37) ** 2
        + 0.5 * diagnosis("sepsis"),
        "bleeding": 0.8 * pale + 0.8 * (drugs > 6) * np.maximum(pressure, 0)
        + 0.8 * diagnosis("bleeding"),
    }  # fmt: skip


def _leave_gaps(rng: RandomState, hidden: Columns, categories: Columns, numbers: Columns) -> None:
    n = len(hidden["frailty"])
    is_urgent = categories["admission"] == "emergency"
    shares = {
        # Measured where something is suspected.
        "lactate": 0.75 - 0.2 * np.clip(hidden["infection"], -1, 2.5),
        "troponin": 0.6 - 0.2 * np.clip(hidden["heart"], -1, 2.5),
        "crp": np.full(n, 0.05),
        "height": 0.1 + 0.25 * is_urgent,
        "weight": 0.05 + 0.2 * is_urgent,
        "smoking": 0.08 + 0.2 * is_urgent,
        "diagnosis": np.full(n, 0.03),
    }
    for name, share in shares.items():
        gaps = rng.uniform(size=n) < share
        columns, blank = (categories, None) if name in categories else (numbers, np.nan)
        columns[name][gaps] = blank


def _choose(rng: RandomState, weights: NDArray) -> NDArray[np.int64]:
    """Draw a column (n,) with the probabilities that rows of weights (n, m) stand in."""
    cumulative = weights.cumsum(axis=1)
    draws = rng.uniform(size=len(weights)) * cumulative[:, -1]
    return (draws[:, None] > cumulative).sum(axis=1)


def _effects(names: NDArray, kind: str, n_levels: int, label: str) -> NDArray[np.float64]:
    """Effects on a label of the levels that rows have, whose names end in the level's number."""
    return _levels(f"{kind} {label}", n_levels)[[int(name[1:]) for name in names]]


def _levels(of_what: str, n_levels: int) -> NDArray[np.float64]:
    """Standard normal effects of levels, always the same: they are the population's."""
    return np.random.default_rng(list(of_what.encode())).normal(size=n_levels)
