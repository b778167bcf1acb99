"""Whoever writes to one place at once, it holds one of the files, whole."""

import multiprocessing
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from skd2ace._archive import read_archive, write_archive
from skd2ace._atomic import replace_file

N_WRITERS, N_WRITES = 4, 25


def write(path, writer):
    for number in range(N_WRITES):
        mark = 1000 * writer + number
        write_archive(path, "thing", {"mark": mark, "marks": torch.full((2000 + mark,), mark)})


def read(path):
    content = read_archive(path, "thing")
    assert len(content["marks"]) == 2000 + content["mark"]
    assert (content["marks"] == content["mark"]).all()


def test_threads_that_write_to_one_place(tmp_path):
    path, ended, n_read = tmp_path / "file", threading.Event(), 0
    write(path, 0)
    with ThreadPoolExecutor(N_WRITERS + 1) as threads:

        def read_on():
            nonlocal n_read
            while not ended.is_set():
                read(path)
                n_read += 1

        reader = threads.submit(read_on)
        writers = [threads.submit(write, path, writer) for writer in range(N_WRITERS)]
        failed = [error for writer in writers if (error := writer.exception(120))]
        ended.set()
        assert not failed
        reader.result(120)
    assert n_read > 0
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
def test_processes_that_write_to_one_place(tmp_path):
    path = tmp_path / "file"
    write(path, 0)
    context = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    writers = [context.Process(target=write, args=(path, number)) for number in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        read(path)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="no modes on this system")
@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_mode_is_that_of_any_new_file(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_archive(tmp_path / "file", "thing", {})
        (tmp_path / "plain").touch()
    finally:
        os.umask(before)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "plain")}
    assert modes == {0o666 & ~mask}


def test_name_meanwhile(tmp_path):
    """Begins and ends as those that a new training clears away."""
    with replace_file(tmp_path / "epoch-000001.skd2ace") as file:
        file.write(b"x")
        (beside,) = tmp_path.iterdir()
        assert beside.match("epoch-*.tmp")
    assert os.listdir(tmp_path) == ["epoch-000001.skd2ace"]


def test_an_error_leaves_what_was_there(tmp_path):
    def fail():
        with replace_file(tmp_path / "file") as file:
            file.write(b"half of")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert os.listdir(tmp_path) == []
