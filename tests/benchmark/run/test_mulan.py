"""Data sets of MULAN by name, and what is said of those that are not to be had."""

import pytest

from skd2ace.benchmark import Experiment, __main__
from skd2ace.benchmark.run import _mulan
from skd2ace.benchmark.run._mulan import fetch_missing, find_mulan
from skd2ace.neighbors import MLkNN


@pytest.fixture
def nothing_here(tmp_path, monkeypatch):
    """No data on the disk, and nothing that can be downloaded; returns what was asked for."""
    monkeypatch.delenv("SKD2ACE_DATA", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "data"))
    asked = []

    def fetch(name, **_):
        asked.append(name)
        raise OSError(f"{name} could not be downloaded: no route.")

    monkeypatch.setattr(_mulan, "fetch_mulan", fetch)
    return asked


def test_by_name(made_up):
    experiment = Experiment(["FLAGS", "yeast"], {"m": MLkNN(3)}, 3)
    assert list(experiment.datasets) == ["flags", "yeast"]
    results = experiment.run(progress=False)
    assert results["dataset"].value_counts().to_dict() == {"flags": 3, "yeast": 3}


def test_names_that_are_none():
    with pytest.raises(ValueError, match="no data set 'flaggs'"):
        Experiment(["flags", "flaggs"], {})
    with pytest.raises(ValueError, match="'datasets' parameter of Experiment"):
        Experiment("flags", {})
    with pytest.raises(TypeError, match="datasets must be given by names"):
        Experiment([("X", "Y")], {})


@pytest.mark.parametrize(
    ("names", "asked", "told"),
    [
        (["flags", "yeast"], ["flags"], "flags could not .* Not here either: yeast"),
        # Of what nobody can download it is said without a try at the others.
        (["flags", "rcv1subset3"], ["rcv1subset3"], "rcv1subset3 could .* either: flags"),
    ],
)
def test_what_cannot_be_had(nothing_here, names, asked, told):
    with pytest.raises(ValueError, match=f"{told}.*SKD2ACE_DATA is not set"):
        fetch_missing(find_mulan(names).values())
    assert nothing_here == asked


def test_a_folder_that_was_given(nothing_here, tmp_path):
    with pytest.raises(ValueError, match="no route") as raised:
        fetch_missing(find_mulan(["flags"], tmp_path).values())
    assert "SKD2ACE_DATA" not in str(raised.value)


def test_what_is_here_is_not_asked_for(nothing_here, tmp_path):
    (tmp_path / "flags").mkdir()
    for name in ("flags.arff", "flags.xml"):
        (tmp_path / "flags" / name).touch()
    fetch_missing(find_mulan(["flags"], tmp_path).values())
    assert nothing_here == []


def test_the_command_says_so_before_the_first_fit(nothing_here, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(__main__, "Experiment", None)
    arguments = ["--datasets", "flags", "--baselines", "mlknn", "--store", str(tmp_path / "s")]
    assert __main__.main(["run", *arguments]) == 2
    told = capsys.readouterr().err
    assert "flags could not be downloaded" in told
    assert "SKD2ACE_DATA" in told
    assert not (tmp_path / "s").exists()
