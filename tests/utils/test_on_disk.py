"""Large tables in files that have no name."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clc_text.utils import on_disk
from clc_text.utils.on_disk import empty_table

needs_room = pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system promises no room in a file")


def files_of_this_process() -> list[str]:
    maps = Path("/proc/self/maps")
    return maps.read_text().splitlines() if maps.exists() else []


@needs_room
def test_a_large_table_lies_in_a_file_that_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_disk, "LARGE", 4 * 30)
    table = empty_table(6, 5, tmp_path / "new" / "folder")
    assert table.shape == (6, 5) and table.dtype == torch.float32
    table.copy_(torch.arange(30.0).reshape(6, 5))
    table.sub_(1).div_(2)
    assert table[4, 3] == 11
    assert (table.numpy() == (np.arange(30, dtype=np.float32).reshape(6, 5) - 1) / 2).all()
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    if files_of_this_process():
        mapped = [line for line in files_of_this_process() if str(tmp_path) in line]
        assert len(mapped) == 1
        del table
        gc.collect()
        assert not [line for line in files_of_this_process() if str(tmp_path) in line]


def test_a_small_table_is_in_memory(tmp_path: Path) -> None:
    assert empty_table(0, 5, tmp_path / "none").shape == (0, 5)
    assert empty_table(6, 5, tmp_path / "none").shape == (6, 5)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("failing", ["folder", "room"])
def test_without_room_on_disk_it_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    monkeypatch.setattr(on_disk, "LARGE", 4 * 30)
    folder = tmp_path / "folder"
    if failing == "folder":
        folder.write_text("a file")
    else:

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    table = empty_table(6, 5, folder)
    table.fill_(1)
    assert table.sum() == 30
    assert not [line for line in files_of_this_process() if str(tmp_path) in line]
    assert failing == "folder" or list(folder.iterdir()) == []
