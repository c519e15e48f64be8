"""The source archive, and the wheel that is built of it, have every file of the package, and the wheel is imported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from test_declared import ROOT

BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"


def built(what: str, source: Path, folder: Path) -> Path:
    """What a builder such as `pip wheel` makes of the source, without an environment of its own."""
    folder.mkdir(exist_ok=True)
    call = [sys.executable, "-c", BUILD, what, str(folder)]
    made = subprocess.run(call, cwd=source, check=True, capture_output=True, text=True).stdout
    return folder / made.split()[-1]


def test_what_is_built_has_all_files_and_is_imported(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path / "source"
    shutil.copytree(ROOT / "clc_text", source / "clc_text", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    there = {path.relative_to(source).as_posix() for path in (source / "clc_text").rglob("*") if path.is_file()}
    assert "clc_text/py.typed" in there and len(there) > 400
    with tarfile.open(built("build_sdist", source, tmp_path / "out")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    with zipfile.ZipFile(built("build_wheel", unpacked, tmp_path / "out")) as archive:
        assert there <= {*archive.namelist()}
        archive.extractall(tmp_path / "installed")
    call = [sys.executable, "-c", "import clc_text; print(clc_text.__file__, clc_text.__version__)"]
    found = subprocess.run(
        call, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")}, check=True,
        capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert Path(found[0]).is_relative_to(tmp_path / "installed")
    assert f'version = "{found[1]}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
