"""What a killed writer leaves goes with the next write to its folder; what a living one writes stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from clc_text.utils.files import replace_folder, write_text, write_with
from clc_text.utils.leftovers import aside_of, name_of_whole

ROOT = Path(__file__).parent.parent.parent
WRITER = """
import sys, time
from pathlib import Path
from clc_text.utils.files import replace_folder, write_with
folder, kind = Path(sys.argv[1]), sys.argv[2]

def write(aside):
    (aside / "half" if kind == "folder" else aside).write_text("half of it")
    print("begun", flush=True)
    sys.stdin.readline()

(replace_folder if kind == "folder" else write_with)(folder / "data", write)
"""


def writer(folder: Path, kind: str) -> subprocess.Popen[str]:
    """A process in the middle of writing `folder/data`; a line on its standard input lets it end."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("\n")
    assert process.returncode == 0


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_of_two_writers_the_dead_one_s_goes_and_the_living_one_s_stays(tmp_path: Path, kind: str) -> None:
    killed = writer(tmp_path, kind)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    [left] = tmp_path.iterdir()
    assert name_of_whole(left) == "data"
    living = writer(tmp_path, kind)
    [here] = tmp_path.iterdir()
    assert here != left
    write_text(tmp_path / "other", "whole")
    assert sorted(tmp_path.iterdir()) == [here, tmp_path / "other"]
    end(living)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "other"}


def test_only_what_is_ours_goes(tmp_path: Path) -> None:
    ours = [aside_of(tmp_path / name) for name in ("a", "there", "gone", "link")]
    part, there, gone, link = ours[0], ours[1].with_suffix(".old"), ours[2].with_suffix(".old"), ours[3]
    others = ["a.part", ".a.part", ".a.0123abcdef.part", "0123abcd.part", ".a.0123abcd.part", ".a.XYZ12345.part"]
    others += [f".other{part.name}"]
    for path in [part, there, gone, *(tmp_path / name for name in [*others, "there"])]:
        path.write_text("")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("")
    link.symlink_to(tmp_path / "elsewhere")
    write_text(tmp_path / "b", "b")
    assert {path.name for path in tmp_path.iterdir()} == {*others, gone.name, "there", "b", "elsewhere"}
    assert (tmp_path / "elsewhere" / "file").exists()


def test_a_folder_that_somebody_else_has_locked_can_be_written_to(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        left = aside_of(tmp_path / "a")
        left.write_text("")
        write_text(tmp_path / "b", "b")
    finally:
        os.close(handle)
    assert set(tmp_path.iterdir()) == {left, tmp_path / "b"}


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_every_file_has_the_rights_of_a_new_file(tmp_path: Path, mask: int) -> None:
    tensors = {"a": np.zeros(2)}
    before = os.umask(mask)
    try:
        write_with(tmp_path / "file", lambda aside: save_file(tensors, aside))
        replace_folder(tmp_path / "folder", lambda aside: save_file(tensors, aside / "file"))
    finally:
        os.umask(before)
    for path in (tmp_path / "file", tmp_path / "folder" / "file"):
        assert path.stat().st_mode & 0o777 == 0o666 & ~mask
