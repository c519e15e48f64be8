"""Files are there whole or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from clc_text.files import bring_back, replace_folder, sha256_of_file, write_json, write_text, write_with


def nothing_else(folder: Path, *names: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_text_and_json_replace_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.json"
    write_text(path, "Γ")
    write_json(path, {"path": Path("x"), "scalar": np.float32(0.5), "tensor": torch.tensor([1, 2]), "γ": "Γ"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"path": "x", "scalar": 0.5, "tensor": [1, 2], "γ": "Γ"}
    nothing_else(path.parent, "a.json")


def test_what_is_no_json_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(TypeError, match="object is not JSON"):
        write_json(path, object())
    assert path.read_text() == "1\n"
    nothing_else(tmp_path, "a.json")


def test_a_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_text(path, "old")

    def cut_short(aside: Path) -> None:
        aside.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_with(path, cut_short)
    assert path.read_text() == "old"
    nothing_else(tmp_path, "a.bin")


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    replace_folder(folder, lambda aside: (aside / "one").write_text("1"))
    replace_folder(folder, lambda aside: (aside / "two").write_text("2"))
    nothing_else(folder, "two")
    nothing_else(tmp_path, "model")


def test_a_failing_folder_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    replace_folder(folder, lambda aside: (aside / "one").write_text("1"))

    def cut_short(aside: Path) -> None:
        (aside / "two").write_text("2")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_folder(folder, cut_short)
    nothing_else(folder, "one")
    nothing_else(tmp_path, "model")


def test_a_folder_that_a_crash_left_moved_away_comes_back(tmp_path: Path) -> None:
    """The machine stops between the two renames: nothing of the clean-up runs."""
    folder = tmp_path / "model"
    replace_folder(folder, lambda aside: (aside / "one").write_text("1"))
    folder.rename(tmp_path / ".model.0123abcd.old")
    bring_back(folder)
    nothing_else(folder, "one")
    nothing_else(tmp_path, "model")
    bring_back(folder)
    bring_back(tmp_path / "other")
    nothing_else(tmp_path, "model")


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 3_000_000)
    assert sha256_of_file(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()
