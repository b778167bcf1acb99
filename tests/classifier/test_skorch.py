"""What skorch users know keeps working, selectors or not."""

import numpy as np
import pytest
import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    GradientNormClipping,
    LRScheduler,
    ProgressBar,
)
from torch import nn

from skd2ace import C2AEClassifier, MultiLabelNetClassifier, TabMClassifier
from skd2ace.metrics import hamming_loss_scorer
from skd2ace.networks import CLIF
from skd2ace.selection import BatchSelector, RandomBatches

CALLBACKS = {
    "early stopping": EarlyStopping(monitor="valid_loss", patience=2, load_best=True, sink=str),
    "schedule by epoch": LRScheduler(policy=torch.optim.lr_scheduler.StepLR, step_size=2),
    "schedule by batch": LRScheduler(
        policy=torch.optim.lr_scheduler.CyclicLR,
        base_lr=1e-4,
        max_lr=1e-2,
        step_every="batch",
        cycle_momentum=False,
    ),
    "plateau": LRScheduler(policy=torch.optim.lr_scheduler.ReduceLROnPlateau, monitor="valid_loss"),
    "clipping": GradientNormClipping(0.1),
    "progress bar": ProgressBar(),
    "batch scoring": BatchScoring(hamming_loss_scorer, name="hamming", lower_is_better=False),
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks(make_two, data, name):
    est = make_two(callbacks=[CALLBACKS[name]], max_epochs=6).fit(*data)
    assert 2 <= len(est.history) <= 6


def test_checkpoint(make_two, data, tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path, monitor="valid_macro_auc_best", f_pickle="net.pkl")
    # Skorch's files have no preprocessor.
    est = make_two(callbacks=[checkpoint], preprocessor=None).fit(*data)
    assert (tmp_path / "params.pt").exists()
    new = make_two(module__n_features=8, module__n_labels=4, preprocessor=None).initialize()
    new.load_params(checkpoint=checkpoint)
    assert new.predict(data[0]).shape == est.predict(data[0]).shape


@pytest.mark.parametrize(("verbose", "n_lines"), [(0, 0), (1, 7)])
def test_one_line_per_epoch(make_two, data, capsys, verbose, n_lines):
    make_two(verbose=verbose).fit(*data)
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == n_lines
    assert "%|" not in printed.err


def test_progress_bar(make_two, data, capsys):
    make_two(verbose=2).fit(*data)
    printed = capsys.readouterr()
    assert "%|" in printed.err
    assert len(printed.out.splitlines()) == 7


@pytest.mark.parametrize("train_split", [None, 0.25])
@pytest.mark.parametrize("batch_size", ["auto", -1, 32])
def test_progress_bar_is_as_long_as_the_epoch(data, capsys, train_split, batch_size):
    est = TabMClassifier(
        max_epochs=1, batch_size=batch_size, train_split=train_split, verbose=2, random_state=0
    )
    est.fit(*data)
    row = est.history[0]
    n_batches = row["train_batch_count"] + row.get("valid_batch_count", 0)
    assert f"/{n_batches} [" in capsys.readouterr().err


def test_a_bar_that_counts_by_the_size_needs_a_number(data):
    """Skorch's own divides by what was given."""
    est = TabMClassifier(max_epochs=1, callbacks=[ProgressBar()], verbose=0)
    with pytest.raises(ValueError, match="take verbose=2"):
        est.fit(*data)
    for params in (
        {"iterator_train__batch_size": 32},
        {"callbacks": [ProgressBar(batches_per_epoch="count")]},
    ):
        assert est.set_params(**params).fit(*data).history


def test_losses_are_in_the_history_as_in_skorch(make_two, data):
    history = make_two().fit(*data).history
    batches = history[-1, "batches", :, ("train_loss", "train_batch_size")][:4]
    mean = sum(loss * size for loss, size in batches) / sum(size for _, size in batches)
    assert history[-1, "train_loss"] == pytest.approx(mean)
    assert history[:, "train_loss_best"][0] is True
    assert history[:, "epoch"] == [1, 2, 3, 4, 5]


class CountsUpdates(RandomBatches):
    def _start(self, X, Y):
        self.n_updates_ = 0

    def _update(self, index, proba, losses, learning_rate):
        self.n_updates_ += 1


def test_closures_make_one_update_a_batch(mlp, data):
    est = MultiLabelNetClassifier(
        mlp,
        optimizer=torch.optim.LBFGS,
        optimizer__max_iter=3,
        batch_selector=CountsUpdates(),
        max_epochs=2,
        batch_size=16,
        train_split=None,
        random_state=0,
        verbose=0,
    ).fit(*data)
    assert est.batch_selector_.n_updates_ == 2 * 4


class HalvesTheLoss(BatchSelector):
    def loss_weights(self, index, Y):
        return torch.full((len(index),), 0.5)


def test_loss_weights_reach_the_loss(make_two, data):
    shared = {"max_epochs": 1, "train_split": None, "batch_size": -1}
    if isinstance(make_two(), C2AEClassifier):
        shared["module__l2_weight"] = 0.0  # A term of the parameters alone, which stays.
    plain = make_two(batch_selector=None, **shared)
    halved = make_two(batch_selector=HalvesTheLoss(), **shared)
    (a,), (b,) = (est.fit(*data).history[:, "train_loss"] for est in (plain, halved))
    assert b == pytest.approx(a / 2, rel=0.01)


def test_another_criterion(mlp, data):
    X, Y = data
    est = MultiLabelNetClassifier(
        mlp,
        criterion__pos_weight=torch.full((4,), 3.0),
        max_epochs=1,
        train_split=None,
        random_state=0,
        verbose=0,
    )
    plain = MultiLabelNetClassifier(mlp, max_epochs=1, train_split=None, random_state=0, verbose=0)
    assert est.fit(X, Y).history[0, "train_loss"] > plain.fit(X, Y).history[0, "train_loss"]
    instance = plain.set_params(criterion=nn.BCEWithLogitsLoss(pos_weight=torch.full((4,), 3.0)))
    assert instance.fit(X, Y).history[:, "train_loss"] == est.history[:, "train_loss"]
    soft = plain.set_params(criterion=nn.MSELoss).fit(X, Y)
    assert soft.history[0, "train_loss"] > 0
    with pytest.raises(ValueError, match="one per instance and label"):
        plain.set_params(criterion=nn.MultiLabelSoftMarginLoss).fit(X, Y)


def test_a_criterion_is_not_ignored_in_silence(data):
    est = MultiLabelNetClassifier(CLIF, criterion__pos_weight=torch.ones(4), verbose=0)
    with pytest.raises(ValueError, match="CLIF has a loss of its own"):
        est.fit(*data)


def test_label_graph_is_of_the_labels_trained_on(make_clif, data):
    X, Y = data
    est = make_clif().fit(X, Y)
    graph = est.module_.label_graph.clone()
    everything = make_clif(train_split=None).fit(X, Y).module_.label_graph
    assert not torch.equal(graph, everything)
    conditional = (Y.T @ Y) / Y.sum(0)[:, None]
    expected = torch.tensor((conditional + conditional.T) / 2, dtype=torch.float32)
    torch.testing.assert_close(everything, expected.fill_diagonal_(0))
    est.partial_fit(X, Y)
    assert torch.equal(est.module_.label_graph, graph)


class WithTemperature(nn.Linear):
    def __init__(self, n_features, n_labels):
        super().__init__(n_features, n_labels)

    def forward(self, X, temperature=1.0):
        return super().forward(X) / temperature


@pytest.mark.parametrize("train_split", [None, 0.2])
def test_fit_parameters_reach_the_forward_that_takes_them(data, train_split):
    settings = {"max_epochs": 1, "random_state": 0, "verbose": 0, "train_split": train_split}
    losses = [
        MultiLabelNetClassifier(WithTemperature, **settings)
        .fit(*data, **params)
        .history[0, "train_loss"]
        for params in ({}, {"temperature": 100.0})
    ]
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(0.693, abs=0.01)


def test_fit_parameters_that_nobody_takes(make_clif, data):
    with pytest.raises(TypeError, match="temperature"):
        make_clif(train_split=None).fit(*data, temperature=2.0)


def test_data_loaders_of_torch(mlp, data):
    X, Y = data
    settings = {"max_epochs": 2, "random_state": 0, "verbose": 0}
    ours = MultiLabelNetClassifier(mlp, **settings).fit(X, Y)
    theirs = MultiLabelNetClassifier(mlp, iterator_valid=torch.utils.data.DataLoader, **settings)
    np.testing.assert_allclose(theirs.fit(X, Y).predict_proba(X), ours.predict_proba(X))


def test_a_checkpoint_leaves_the_data_out(mlp, tmp_path):
    X = np.random.default_rng(0).normal(size=(5000, 50))
    checkpoint = Checkpoint(dirname=tmp_path, f_pickle="net.pkl", monitor=None)
    MultiLabelNetClassifier(
        mlp, callbacks=[checkpoint], max_epochs=1, random_state=0, verbose=0
    ).fit(X, X[:, :4] > 0)
    assert (tmp_path / "net.pkl").stat().st_size < 100_000


def test_a_module_instance_is_copied(data):
    module = nn.Linear(8, 4)
    before = module.weight.detach().clone()
    est = MultiLabelNetClassifier(module, max_epochs=2, random_state=0, verbose=0).fit(*data)
    assert torch.equal(module.weight, before)
    first = est.module_.weight.detach().clone()
    assert torch.equal(est.fit(*data).module_.weight, first)


class Interrupts(Callback):
    """Presses Ctrl-C in the middle of the third epoch of the first training."""

    def on_batch_end(self, net, training=None, **kwargs):
        if len(net.history) == 3 and len(net.history[-1, "batches"]) == 2:
            raise KeyboardInterrupt


def test_an_interrupted_training_can_be_used_and_gone_on_with(make_two, data):
    X, Y = data
    est = make_two(callbacks=[Interrupts()], threshold="tune", max_epochs=6).fit(X, Y)
    assert len(est.history) == 3
    assert est.best_epoch_ in (1, 2)
    assert est.predict(X).shape == Y.shape
    est.partial_fit(X, Y)
    assert len(est.history) == 9
    assert np.isfinite(est.predict_proba(X)).all()
