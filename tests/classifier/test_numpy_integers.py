"""Integers of numpy's are taken wherever Python's are, and mean the same."""

import numpy as np
import pytest
from torch.utils.data import DataLoader

from skd2ace import CLIFClassifier
from skd2ace.selection import D2ACE
from skd2ace.training import Checkpointing

KINDS = [np.int64, np.int32, np.uint8]


@pytest.mark.parametrize("kind", KINDS)
def test_data_loader(make, data, assert_same, kind):
    settings = {"iterator_valid": DataLoader, "batch_selector": None}
    usual = make(**settings, batch_size=16).fit(*data)
    assert_same(make(**settings, batch_size=kind(16)).fit(*data), usual, data[0])
    own = {"iterator_valid__batch_size": kind(16), "iterator_valid__num_workers": kind(0)}
    assert_same(make(**settings, **own).fit(*data), usual, data[0])


def test_all_instances_in_one_batch(make, data, assert_same):
    usual = make(batch_size=-1).fit(*data)
    assert_same(make(batch_size=np.int64(-1)).fit(*data), usual, data[0])


def test_small_integers_do_not_wrap_around(make, data):
    est = make(max_epochs=np.uint8(130), batch_size=60, batch_selector=None).fit(*data)
    est.partial_fit(*data)
    assert est.last_epoch_ == len(est.history) == 260


def test_progress_bar(make, data, capsys):
    make(verbose=np.int64(2)).fit(*data)
    assert "%|" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_files(make_clif, data, assert_same, tmp_path, kind):
    def settings(whole):
        selector = D2ACE(n_neighbors=whole(3), window=whole(4), warmup_epochs=whole(2))
        return {
            "batch_size": whole(16),
            "batch_selector": selector,
            "max_epochs": whole(4),
            "random_state": whole(3),
            "verbose": whole(0),
            "module__hidden_size": whole(16),
            "callbacks": [Checkpointing(tmp_path / "run", every_n_epochs=whole(2))],
        }

    usual = make_clif(**settings(int) | {"callbacks": None}).fit(*data)
    est = make_clif(**settings(kind)).fit(*data)
    assert_same(est, usual, data[0])
    est.save(tmp_path / "est")
    assert_same(CLIFClassifier.load(tmp_path / "est"), usual, data[0])
    assert len(list((tmp_path / "run").iterdir())) == 2
    # A checkpoint is the same training's, whichever integers that was given.
    for again in (int, kind):
        assert_same(
            make_clif(**settings(again)).fit(*data, resume=tmp_path / "run"), usual, data[0]
        )
