"""Fits in threads and processes give what they give one after the other, and share the cores."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import cpu_count, parallel_backend
from sklearn.model_selection import GridSearchCV, KFold
from skorch.callbacks import Callback

from skd2ace._seeding import torch_rng
from skd2ace.metrics import macro_auc_scorer


def weights(est):
    return [value.numpy().tobytes() for value in est.module_.state_dict().values()]


def test_threads_give_what_one_after_the_other_gives(make_two, data):
    """Dropout and noise draw from one generator, which belongs to the process."""
    expected = [weights(make_two(random_state=seed).fit(*data)) for seed in range(6)]
    with ThreadPoolExecutor(3) as threads:
        fits = list(threads.map(lambda seed: make_two(random_state=seed).fit(*data), range(6)))
    assert [weights(est) for est in fits] == expected


def test_partial_fit_and_prediction_in_threads(make_clif, data):
    X, Y = data
    ests = [make_clif(random_state=seed).fit(X, Y) for seed in range(4)]
    again = [make_clif(random_state=seed).fit(X, Y).partial_fit(X, Y) for seed in range(4)]

    def work(est):
        before = est.predict_proba(X)
        np.testing.assert_array_equal(est.predict_proba(X), before)
        return est.partial_fit(X, Y)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, ests))
    assert [weights(est) for est in ests] == [weights(est) for est in again]


def test_the_callers_generator_is_as_before(make_clif, data):
    torch.manual_seed(3)
    expected = torch.get_rng_state()
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda seed: make_clif(random_state=seed).fit(*data), range(6)))
    assert torch.equal(torch.get_rng_state(), expected)


def test_a_fit_within_a_fit(make, data):
    """As a callback may do: the thread that trains does not wait for itself."""

    class FitsAnother(Callback):
        def on_train_begin(self, net, **kwargs):
            self.inner_ = make().fit(*data)

    est = make(callbacks=[("inner", FitsAnother())]).fit(*data)
    assert (
        weights(dict(est.callbacks_)["inner"].inner_) == weights(est) == weights(make().fit(*data))
    )


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_forked_while_another_thread_trains(make, data):
    """The child has no such thread and must not wait for it."""
    began, end = threading.Event(), threading.Event()

    class Waits(Callback):
        def on_train_begin(self, net, **kwargs):
            began.set()
            end.wait(60)

    trains = threading.Thread(target=lambda: make(callbacks=[Waits()]).fit(*data))
    trains.start()
    began.wait(60)
    child = os.fork()
    if child == 0:
        with torch_rng(torch.device("cpu"), 0):
            os._exit(0)
    end.set()
    trains.join(60)
    assert os.waitpid(child, 0)[1] == 0


def test_grid_search_in_threads(make_clif, data):
    def search(n_jobs):
        grid = {"lr": [0.01, 0.1], "random_state": [0, 1]}
        folds = KFold(2, shuffle=True, random_state=0)
        return GridSearchCV(make_clif(), grid, scoring=macro_auc_scorer, cv=folds, n_jobs=n_jobs)

    expected = search(None).fit(*data).cv_results_["mean_test_score"]
    with parallel_backend("threading"):
        found = search(2).fit(*data).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found, expected)


COUNT = """
import numpy as np, torch
from joblib import Parallel, delayed
from skd2ace import CLIFClassifier

def count(seed):
    X = np.random.default_rng(seed).random((60, 8))
    CLIFClassifier(max_epochs=1, verbose=0).fit(X, X[:, :4] > 0.5)
    return torch.get_num_threads()

if __name__ == "__main__":
    print(*Parallel(n_jobs=2, backend="loky")(delayed(count)(seed) for seed in range(2)))
"""


@pytest.mark.slow
def test_workers_share_the_cores(tmp_path):
    """Two workers have half of the cores each, as joblib tells them before torch is imported."""
    (tmp_path / "count.py").write_text(COUNT)
    limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in limits}
    child = subprocess.run(
        [sys.executable, str(tmp_path / "count.py")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    share = max(1, cpu_count() // 2)
    assert [int(n) for n in child.stdout.split()] == [share, share]
