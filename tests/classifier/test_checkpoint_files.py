"""The folder of checkpoints: what is written to it, when, and what is found there."""

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping

from skd2ace import MultiLabelNetClassifier
from skd2ace._archive import ArchiveError
from skd2ace.training import Checkpointing


def test_every_n_epochs_and_the_last(make, data, tmp_path):
    written = []

    class Watch(Callback):
        def on_epoch_begin(self, net, **kwargs):
            written.append(sorted(path.name for path in tmp_path.iterdir()))

    callbacks = [Watch(), Checkpointing(tmp_path, every_n_epochs=3)]
    make(callbacks=callbacks, max_epochs=8).fit(*data)
    third, sixth, eighth = (f"epoch-00000{n}.skd2ace" for n in (3, 6, 8))
    assert written == [[]] * 3 + [[third]] * 3 + [[third, sixth]] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [sixth, eighth]


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_checkpoint_is_named_and_the_one_before_used(make, data, tmp_path, outcome):
    whole = make(callbacks=[Checkpointing(tmp_path)]).fit(*data)
    fourth, fifth = sorted(tmp_path.iterdir())
    damage(fifth)
    resumed = make(callbacks=[Checkpointing(tmp_path)])
    with pytest.warns(UserWarning, match="epoch-000005.skd2ace is damaged.*before it is used"):
        resumed.fit(*data, resume=tmp_path)
    assert outcome(resumed) == outcome(whole)
    damage(fourth)
    damage(fifth)
    with (
        pytest.warns(UserWarning, match="is damaged"),
        pytest.raises(ArchiveError, match=r"No checkpoint in .* can be read"),
    ):
        make().fit(*data, resume=tmp_path)


@pytest.mark.parametrize("missing", [True, False])
def test_nothing_to_go_on_from(make, data, tmp_path, missing, outcome):
    folder = tmp_path / "not there" if missing else tmp_path
    assert outcome(make().fit(*data, resume=folder)) == outcome(make().fit(*data))


def test_going_on_in_another_folder(make, data, tmp_path, outcome):
    """In a new one, but not in that of another training."""
    old, new, other = (tmp_path / name for name in ("old", "new", "other"))
    whole = make(callbacks=[Checkpointing(old)]).fit(*data)
    for path in old.glob("*5.skd2ace"):
        path.unlink()
    assert outcome(make(callbacks=[Checkpointing(new)]).fit(*data, resume=old)) == outcome(whole)
    assert [path.name for path in new.iterdir()] == ["epoch-000005.skd2ace"]
    make(callbacks=[Checkpointing(other)], random_state=1).fit(*data)
    with pytest.raises(ValueError, match="checkpoints of another training"):
        make(callbacks=[Checkpointing(other)]).fit(*data, resume=old)


def test_other_files_in_the_folder(make, data, tmp_path):
    """Those of the user stay; what a killed writer left goes."""
    names = {"epoch-best.skd2ace", "epoch-000009 (copy).skd2ace", "notes.tmp"}
    for name in (*names, "epoch-000003.skd2ace.4321.tmp"):
        (tmp_path / name).touch()
    make(callbacks=[Checkpointing(tmp_path)]).fit(*data, resume=tmp_path)
    written = {"epoch-000004.skd2ace", "epoch-000005.skd2ace"}
    assert {path.name for path in tmp_path.iterdir()} == names | written


def test_two_trainings_in_one_folder_are_refused(make, data, tmp_path):
    make(callbacks=[Checkpointing(tmp_path)]).fit(*data)
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    with pytest.raises(ValueError, match="checkpoints of another training, epoch-000005"):
        make(callbacks=[Checkpointing(tmp_path)]).fit(*data)
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before


def test_partial_fit_goes_on_writing(make, data, tmp_path):
    est = make(callbacks=[Checkpointing(tmp_path)]).fit(*data).partial_fit(*data)
    assert len(est.history) == 10
    assert (tmp_path / "epoch-000010.skd2ace").exists()


def test_checkpointing_is_the_last_callback(make, data, tmp_path):
    with pytest.raises(ValueError, match="must be the last of the callbacks, EarlyStopping is"):
        make(callbacks=[Checkpointing(tmp_path), EarlyStopping()]).fit(*data)
    with pytest.raises(ValueError, match="every_n_epochs == 0, must be >= 1"):
        make(callbacks=[Checkpointing(tmp_path, every_n_epochs=0)]).fit(*data)


def test_with_a_plain_net(mlp, data, tmp_path):
    """Plain nets can write checkpoints; to go on from them takes our classifier."""
    from skorch import NeuralNet

    net = NeuralNet(
        mlp,
        module__n_features=8,
        module__n_labels=4,
        criterion=torch.nn.BCEWithLogitsLoss,
        callbacks=[Checkpointing(tmp_path)],
        train_split=None,
        max_epochs=2,
        verbose=0,
    )
    net.fit(data[0].astype(np.float32), data[1].astype(np.float32))
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(ValueError, match="other"):
        MultiLabelNetClassifier(mlp, max_epochs=2).fit(*data, resume=tmp_path)
