"""MultiLabelNetClassifier: any network as a scikit-learn multi-label classifier."""

import os
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from numpy.typing import ArrayLike
from typing_extensions import Self

from skd2ace._seeding import RandomState
from skd2ace._sklearn import Interval, StrOptions
from skd2ace.metrics._records import METRICS
from skd2ace.selection import BatchSelector
from skd2ace.training import BatchIterator, SelectedBatches, TensorDataset

from ._batch_size import BATCH_SIZE_CONSTRAINTS
from ._held_out import CrossFitting
from ._parameters import check_parameters
from ._persistence import read_estimator, write_estimator
from ._prediction import PredictingNet
from ._preprocessing import PREPROCESSOR_CONSTRAINTS, transform_features
from ._rollback import all_or_nothing
from ._split import SPLIT_CONSTRAINTS
from ._training_data import read_training_data


class MultiLabelNetClassifier(PredictingNet):
    """Train any network as a multi-label classifier, with a say in what its batches hold.

    A skorch net and a scikit-learn classifier at once: skorch's ``callbacks``, ``history``,
    ``module__...``, ``optimizer__...``, ``partial_fit``, ``warm_start``, ``save_params``; and
    scikit-learn's ``clone``, ``Pipeline``, ``GridSearchCV``, pickling. Each epoch the Macro-AUC
    of a held-out part is computed, and at the end the weights of the best epoch are restored.

    Parameters
    ----------
    module : nn.Module class or callable that returns a module
        Maps X, (b, d) or (b, ...), to logits (b, q): no sigmoid at its end. ``n_features`` and
        ``n_labels``, where it has such parameters, are filled in at fit. One with a method
        ``training_loss`` (see :class:`~skd2ace.networks.LossOutput`) trains with that loss; one
        with ``fit_label_graph(Y)`` is shown the labels to train on before the first step, and
        keeps in buffers what it learns; parameters in ``lr_ratios()``, a list of (parameters,
        ratio), learn at that share of ``lr``.
    criterion : callable, default=torch.nn.BCEWithLogitsLoss
        Loss of a module without one of its own; made with ``reduction="none"``. What it gives,
        (b, q), is also what a batch selector is told as losses.
    optimizer : torch.optim.Optimizer class, default=torch.optim.Adam
    lr : float, default=1e-3
        Learning rate.
    max_epochs : int, default=100
    batch_size : int or "auto", default=128
        Instances per batch; -1 for all; "auto" goes by their number, from 32 to 256.
    batch_selector : BatchSelector or None, default=None
        Which instances go into each batch; None shuffles. The estimator trains a copy,
        ``batch_selector_``, and leaves this one as it is.
    preprocessor : transformer, "auto" or None, default=None
        Prepares the features: any transformer of scikit-learn's kind, of which a copy is fitted
        on the rows that are trained on, ``preprocessor_``; X may then be whatever it takes.
        "auto" is a :class:`~skd2ace.preprocessing.TabularPreprocessor`, for tables of numbers,
        categories and missing values. None takes X as it is.
    threshold : float, array-like of shape (q,), dict or "tune", default=0.5
        Probability from which a label is predicted; in a dict by the label's name, 0.5 of those
        that it does not name; in a Series by the names of all labels. "tune" chooses those that
        are best by ``threshold_metric`` on instances that were not trained on (``thresholds_``):
        at a fixed 0.5, without a ``pos_weight``, rare labels are almost never predicted. These
        are the held-out part; without one (``train_split=None``) all instances, each third of
        which is predicted by a copy of the estimator that was trained on the others: four
        trainings in place of one, and none where training goes on.
    threshold_metric : {"macro_f1", "micro_f1", "hamming_loss"} or callable, default="macro_f1"
        What ``threshold="tune"`` makes best: for Macro-F1 each label's F1. A function of true
        and predicted labels as :func:`~skd2ace.metrics.best_thresholds` takes it.
    calibration : {"temperature", "sigmoid"} or None, default=None
        "temperature" divides the logits of all labels by one number (``temperature_``), that
        with the lowest cross-entropy on the instances that thresholds are tuned on, and before
        them: where a network is too sure of itself, probabilities come nearer to frequencies
        (Guo et al., 2017). "sigmoid" also adds one number to all (``intercept_``; Platt, 1999),
        which takes back what one ``pos_weight`` for all labels does to probabilities. No order
        of instances or labels changes.
    label_weight : array-like of shape (q,), "balanced" or None, default=None
        Weight of each label, which multiplies ``sample_weight``, in the labels' order or in a
        Series by their names. "balanced" gives the positives of each label the same weight in
        all: inversely proportional to how many there are.
    pos_weight : float, array-like of shape (q,), "balanced" or None, default=None
        Factor on the loss of a label where it is relevant, as torch's ``BCEWithLogitsLoss`` has
        it, for networks with a loss of their own too; one for all labels, or given as
        ``label_weight`` is. "balanced" is negatives over positives.
    random_state : int, RandomState or None, default=None
        Seed of weights, dropout, split and selector. With an integer, two fits on one machine
        with one number of threads give the same bits. None takes fresh entropy. The global
        generators of numpy and torch are left as they were.
    train_split : float, splitter, callable or None, default=0.1
        Share of instances held out, at random; a splitter, whose first split is taken, with
        ``groups`` from ``fit``; what skorch takes; None trains on all, with the last weights.
    iterator_train : callable, default=SelectedBatches
        Batch selection needs :class:`~skd2ace.training.SelectedBatches`, or a subclass. Another,
        such as torch's DataLoader, has the order of the training to itself.
    iterator_valid : callable, default=BatchIterator
    dataset : callable, default=TensorDataset
        ``dataset__placement`` says where the features wait: "auto", "device" or "host".
    callbacks : list of Callback, "disable" or None, default=None
        Beside the default ones, which ``callbacks__NAME=None`` leaves out and
        ``callbacks__NAME=other`` replaces: ``epoch_timer``, ``train_loss``, ``valid_loss``,
        ``valid_macro_auc``, ``out_of_bag``, ``best_epoch``, ``print_log``, and
        ``batch_selection``, which can be replaced only. "disable" needs an ``iterator_train`` of
        your own.
    warm_start : bool, default=False
        Whether fit goes on from where the last one ended.
    verbose : int, default=1
        0 is silent, 1 logs a line per epoch, 2 shows a progress bar within each epoch too.
    device : str, torch.device or None, default="cpu"
        Where to train, for example "cuda".
    compile : bool, default=False
        Whether to pass the module through ``torch.compile``: its ``forward`` and, where it has
        one, its ``training_loss``. ``compile__...`` are the options. Compiling takes a minute and
        more, and may draw other random numbers for dropout.
    use_caching : bool or "auto", default="auto"
        As in skorch.
    torch_load_kwargs : dict or None, default=None
        As in skorch.
    **kwargs
        ``module__...``, ``criterion__...``, ``optimizer__...``, ``iterator_train__...``,
        ``iterator_valid__...``, ``dataset__...``, ``callbacks__...``, ``compile__...``.

    Attributes
    ----------
    classes_ : ndarray of shape (q, 2), or (2,) for a one-dimensional y
    n_features_in_ : int
    n_labels_ : int
    label_names_in_ : ndarray of shape (q,), of str
        Where y was a DataFrame.
    batch_size_ : int
        Instances per batch, resolved.
    oob_proba_ : ndarray of shape (n, q), float64
        With a network of members that are each blind to a part of the rows
        (:class:`~skd2ace.networks.TabM`): probabilities of each row of X by those that did not
        see it; NaN where there are none. (n, 2) for a one-dimensional y. Not there after
        training on other rows, or in another order, than at first.
    oob_score_ : float
        Macro-AUC of these predictions, corrected for comparing members that differ, at most 1.
    n_samples_fit_ : int
        Rows of X.
    train_indices_, valid_indices_ : ndarray of int, or None
        Rows that were trained on and that were held out; None where it was not rows of X.
    preprocessor_ : transformer
        Where there is one.
    module_ : nn.Module
    batch_selector_ : BatchSelector
        The one that was trained with.
    best_epoch_ : int
        The epoch, counted from 1, whose weights the estimator has.
    thresholds_ : ndarray of shape (q,)
        With ``threshold="tune"``.
    temperature_, intercept_ : float
        With ``calibration``; the second with "sigmoid" only.
    pos_weight_ : ndarray of shape (q,), float32
        With ``pos_weight``: the factors of the latest training.
    history : skorch.history.History
        Per epoch the losses, each term of a network's own loss, Macro-AUC, seconds.

    See Also
    --------
    CLIFClassifier, DELAClassifier, PACAClassifier, MPVAEClassifier, C2AEClassifier : Published \
networks with their settings.

    Notes
    -----
    A one-dimensional y of two classes is a problem of one label: ``predict`` gives classes of
    shape (n,), ``predict_proba`` (n, 2), ``decision_function`` (n,).

    Training that goes on (``partial_fit``, ``warm_start``) trains ``max_epochs`` further epochs,
    from the last weights and not from the best.

    Examples
    --------
    >>> import torch
    >>> from skd2ace import MultiLabelNetClassifier
    >>> from skd2ace.selection import D2ACE
    >>> from sklearn.datasets import make_multilabel_classification
    >>> X, Y = make_multilabel_classification(n_samples=100, random_state=0)
    >>> def network(n_features, n_labels, hidden=32):
    ...     return torch.nn.Sequential(
    ...         torch.nn.Linear(n_features, hidden),
    ...         torch.nn.ReLU(),
    ...         torch.nn.Linear(hidden, n_labels),
    ...     )
    >>> est = MultiLabelNetClassifier(
    ...     network, batch_selector=D2ACE(), max_epochs=20, random_state=0, verbose=0
    ... )
    >>> est.fit(X, Y).predict(X).shape
    (100, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "module": [callable],
        "criterion": [callable],
        "optimizer": [callable],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": BATCH_SIZE_CONSTRAINTS,
        "batch_selector": [BatchSelector, None],
        "threshold": [
            Interval(Real, 0, 1, closed="both"),
            StrOptions({"tune"}),
            "array-like",
            Mapping,
        ],
        "threshold_metric": [
            StrOptions({name for name, metric in METRICS.items() if metric.response == "predict"}),
            callable,
        ],
        "calibration": [StrOptions({"temperature", "sigmoid"}), None],
        "preprocessor": PREPROCESSOR_CONSTRAINTS,
        "label_weight": ["array-like", StrOptions({"balanced"}), None],
        "pos_weight": [
            Interval(Real, 0, None, closed="left"),
            "array-like",
            StrOptions({"balanced"}),
            None,
        ],
        "random_state": ["random_state"],
        "train_split": SPLIT_CONSTRAINTS,
        "iterator_train": [callable],
        "iterator_valid": [callable],
        "dataset": [callable],
        "callbacks": [list, StrOptions({"disable"}), None],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "device": [str, torch.device, None],
        "compile": ["boolean"],
        "use_caching": ["boolean", StrOptions({"auto"})],
        "torch_load_kwargs": [dict, None],
    }

    def __init__(
        self,
        module: Any,
        *,
        criterion: Any = torch.nn.BCEWithLogitsLoss,
        optimizer: Any = torch.optim.Adam,
        lr: float = 1e-3,
        max_epochs: int = 100,
        batch_size: int | str = 128,
        batch_selector: BatchSelector | None = None,
        preprocessor: Any = None,
        threshold: Any = 0.5,
        threshold_metric: Any = "macro_f1",
        calibration: str | None = None,
        label_weight: Any = None,
        pos_weight: Any = None,
        random_state: RandomState = None,
        train_split: Any = 0.1,
        iterator_train: Any = SelectedBatches,
        iterator_valid: Any = BatchIterator,
        dataset: Any = TensorDataset,
        callbacks: Any = None,
        warm_start: bool = False,
        verbose: int = 1,
        device: str | torch.device | None = "cpu",
        compile: bool = False,
        use_caching: Any = "auto",
        torch_load_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if "predict_nonlinearity" in kwargs:
            raise TypeError("predict_nonlinearity is no parameter here: it is the sigmoid.")
        super().__init__(
            module,
            criterion=criterion,
            optimizer=optimizer,
            lr=lr,
            max_epochs=max_epochs,
            batch_size=batch_size,
            batch_selector=batch_selector,
            preprocessor=preprocessor,
            threshold=threshold,
            threshold_metric=threshold_metric,
            calibration=calibration,
            label_weight=label_weight,
            pos_weight=pos_weight,
            random_state=random_state,
            iterator_train=iterator_train,
            iterator_valid=iterator_valid,
            dataset=dataset,
            train_split=train_split,
            callbacks=callbacks,
            warm_start=warm_start,
            verbose=verbose,
            device=device,
            compile=compile,
            use_caching=use_caching,
            torch_load_kwargs=torch_load_kwargs,
            **kwargs,
        )

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        neighbor_features: ArrayLike | None = None,
        resume: str | os.PathLike[str] | None = None,
        **fit_params: Any,
    ) -> Self:
        """Train from scratch, or go on with ``warm_start`` or from a checkpoint.

        Parameters
        ----------
        X : ndarray, DataFrame, sparse matrix or Tensor of shape (n, d) or (n, ...)
            Finite; float32 inside. A memory map stays in its file, from which each batch reads
            its rows. Or a Dataset of (x, y), whose items each batch reads anew.
        y : ndarray, DataFrame, sparse matrix or Tensor of shape (n, q), or (n,)
            0/1 or bool; in a matrix NaN (or NA, or masked) where a label is not known: it has no
            say in training, validation and thresholds. In one dimension any two classes.
        sample_weight : array-like of shape (n,) or (n, q), optional
            Weight of each instance, or of each of its labels, finite and at least 0, on any
            scale: it multiplies the losses, in validation too, and counts in thresholds, in the
            label graph and in the score of each epoch. What a matrix y holds at a weight of 0
            does not matter.
        neighbor_features : array-like or sparse matrix of shape (n, m), optional
            What a batch selector finds neighbours on; None takes X, flattened.
        resume : str or path, optional
            Folder that a :class:`~skd2ace.training.Checkpointing` writes to: the training goes on
            from the newest good checkpoint in it, and begins where there is none.
        **fit_params
            Passed to ``train_split`` and to the module's ``forward``, as in skorch.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If a fit parameter is one that nobody takes.
        ValueError
            If data or a parameter are not as described, a loss is not finite, or the checkpoints
            are damaged or of other data or settings. The estimator is then as it was before.
        """
        beside = {"sample_weight": sample_weight, "neighbor_features": neighbor_features}
        if self.warm_start and self.initialized_ and resume is None:
            return self.partial_fit(X, y, **beside, **fit_params)
        with all_or_nothing(self):
            check_parameters(self)
            data = read_training_data(self, X, y, reset=True, **beside)
            data = self._start_afresh(data, resume, **fit_params)
            self._cross_fitting = CrossFitting(X, fit_params, **beside)
            self._conclude(self._train(data, "fit", resume, **fit_params), data)
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        neighbor_features: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Train for ``max_epochs`` further epochs.

        Parameters
        ----------
        X, y, sample_weight, neighbor_features
            As for :meth:`fit`. A batch selector that keeps a state per instance needs the same
            instances as before. So do predictions out of bag: with other rows, or another order
            of them, there are none any more, and a UserWarning says so.
        classes : array-like, optional
            The two classes of a one-dimensional y, where this part of it has only one; without
            meaning for a matrix.
        **fit_params
            As for :meth:`fit`.

        Returns
        -------
        self
        """
        self.check_training_readiness()
        beside = {"sample_weight": sample_weight, "neighbor_features": neighbor_features}
        reset = not hasattr(self, "classes_")
        afresh = self._starts_afresh
        with all_or_nothing(self):
            check_parameters(self)
            data = read_training_data(self, X, y, reset=reset, classes=classes, **beside)
            if afresh:
                data = self._start_afresh(data, **fit_params)
            elif hasattr(self, "preprocessor_"):
                data = data._replace(X=transform_features(self, data.X))
            self._conclude(self._train(data, "partial_fit", **fit_params), data)
        return self

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
        write_estimator(self, path)

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
            ``module__...``, ``dataset`` and ``iterator_valid``, and a fitted ``preprocessor``
            unless it is a :class:`~skd2ace.preprocessing.TabularPreprocessor`. Others
            (``callbacks``, ``train_split``) should be; without them predictions are the same, but
            training does not go on as it would have.

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
            If the device is not there and the CPU is taken, a parameter that the file could not
            hold is not given, or the optimizer is another than that whose state is in the file.
        """
        return read_estimator(cls, path, parameters)

    def trim_for_prediction(self) -> Self:
        """Drop what only training needs, as in skorch; returns the estimator itself."""
        super().trim_for_prediction()
        return self
