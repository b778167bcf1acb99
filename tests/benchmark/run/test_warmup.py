"""What a process does once is done before the clock of its first fit starts."""

import subprocess
import sys

import pytest
import torch
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skd2ace.benchmark.run import _warmup
from skd2ace.benchmark.run._warmup import warm_up
from skd2ace.neighbors import MLkNN

IN_A_NEW_PROCESS = """
import sys
import numpy as np
from skd2ace import CLIFClassifier
from skd2ace.benchmark import Experiment
from skd2ace.neighbors import MLkNN

IMPORTED = []

class Notes:
    def fit(self, X, Y):
        before = set(sys.modules)
        super().fit(X, Y)
        super().predict_proba(X)
        new = {name for name in set(sys.modules) - before if not name.startswith("encodings")}
        IMPORTED.append(sorted(new))
        return self

class Net(Notes, CLIFClassifier):
    pass

class Plain(Notes, MLkNN):
    pass

X = np.random.default_rng(0).normal(size=(60, 8))
data = {"d": (X, (X[:, :4] > 0).astype(int))}
net = Net(module__hidden_size=8, module__embedding_size=4, max_epochs=1, verbose=0)
for method in (Plain(3), net):
    experiment = Experiment(data, {"m": method}, 2)
    assert len(experiment.run(progress=False)) == 2, experiment.failures()["error"].iloc[0]
    print(IMPORTED.pop(0), "torch._dynamo" in sys.modules)
    IMPORTED.clear()
"""


@pytest.mark.slow
def test_a_first_fit_imports_nothing():
    """Torch's compiler, 800 modules, comes with the first optimizer, if there is one."""
    command = [sys.executable, "-c", IN_A_NEW_PROCESS]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    plain, net = ran.stdout.splitlines()
    assert plain == "[] False"
    assert net == "[] True"


def test_a_network_within_something_else(clif, monkeypatch):
    devices = []
    monkeypatch.setattr(_warmup, "_take_a_step", devices.append)
    warm_up(GridSearchCV(make_pipeline(clif(device="cpu")), {"clifclassifier__lr": [0.1]}))
    warm_up(MLkNN(3))
    assert devices == ["cpu"]


def test_random_numbers_stay_as_they_are(clif):
    before = torch.get_rng_state()
    warm_up(clif())
    assert torch.equal(torch.get_rng_state(), before)
