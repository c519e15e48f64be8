"""Pickles are read when they hold arrays, and refused when they ask for anything else."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused

from clc_text.errors import InputError
from clc_text.vision.datasets.reading.pickles import read_pickle


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_arrays_lists_and_strings_are_read(tmp_path: Path, protocol: int) -> None:
    values = {b"data": np.arange(12, dtype=np.uint8).reshape(3, 4), b"labels": [3, 1, 2], "name": b"batch"}
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps(values, protocol))
    found = read_pickle(path)
    assert found.keys() == {"data", "labels", "name"}
    assert np.array_equal(found["data"], values[b"data"]) and found["data"].dtype == np.uint8
    assert found["labels"] == [3, 1, 2]


def test_what_torch_save_writes_is_read(tmp_path: Path) -> None:
    labels = np.array([3, 0, 9])
    torch.save({"clean_label": labels, "worse_label": labels[::-1].copy()}, tmp_path / "human.pt")
    assert read_pickle(tmp_path / "human.pt")["worse_label"].tolist() == [9, 0, 3]


def test_a_file_of_python_2_is_read(tmp_path: Path) -> None:
    """Protocol 0 as Python 2 wrote it: byte strings without a mark, numpy.core instead of numpy._core."""
    path = tmp_path / "old"
    path.write_bytes(
        b"(dp0\nS'data'\np1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntS'b'\ntRp4\n"
        b"(I1\n(I2\ntcnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x07\\xff'\ntbs."
    )
    assert read_pickle(path)["data"].tolist() == [7, 255]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_malicious_pickle_is_refused_and_does_nothing(tmp_path: Path, zipped: bool) -> None:
    trace, path = tmp_path / "trace", tmp_path / "batch"
    if zipped:
        torch.save({"data": Malicious(trace)}, path)
    else:
        path.write_bytes(pickle.dumps({"data": Malicious(trace)}))
    with pytest.raises(InputError, match=rf"^{path} is not read: it asks for '(posix|nt)\.system', and only arrays"):
        read_pickle(path)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["builtins.eval", "builtins.getattr", "numpy.load", "numpy.core.multiarray.scalar"])
def test_no_other_name_is_admitted(tmp_path: Path, name: str) -> None:
    module, _, what = name.rpartition(".")
    path = tmp_path / "batch"
    path.write_bytes(f"c{module}\n{what}\n.".encode())
    with refused(where=path, says=name):
        read_pickle(path)


def test_damaged_and_strange_files(tmp_path: Path) -> None:
    path = tmp_path / "batch"
    with refused(where=path):
        read_pickle(path)
    path.write_bytes(pickle.dumps({"data": np.zeros(1000)})[:200])
    with refused(where=path):
        read_pickle(path)
    path.write_bytes(b"")
    with refused(where=path):
        read_pickle(path)
    path.write_bytes(pickle.dumps([1, 2]))
    with refused(where=path):
        read_pickle(path)
    torch.save({"labels": torch.zeros(3)}, path)
    with refused(where=path):
        read_pickle(path)
