"""The same cells on a Ray cluster: a local one, in processes of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from refusals import refused

from clc_text.sweep.grid import read_sweep
from clc_text.sweep.outcome import is_done
from clc_text.sweep.ray_cluster import run_ray


def test_without_ray_the_command_to_install_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with refused(key="--engine"):
        next(run_ray([], tmp_path, None))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray (extra `ray`) is not installed")
def test_a_local_cluster_runs_the_cells(tiny_sweep: Path, tmp_path: Path) -> None:
    tiny_sweep.write_text(
        "recipes: [tiny.yaml]\nset: {training.epochs: 2}\nvariants:\n"
        "  a: {}\n  b: {method.name: standard}\n  c: {data.name: files, data.train: nowhere.csv}\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "clc_text",
            "sweep",
            str(tiny_sweep),
            "--out",
            "out",
            "--engine",
            "ray",
            "--jobs",
            "1",
        ],
        cwd=tmp_path,
        env=environment | {"RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert found.returncode == 1, found.stdout + found.stderr
    assert "clc-text table out" in found.stdout
    assert "failed  tiny/c/seed-0: data.train: 'nowhere.csv' does not exist" in found.stderr
    _, cells = read_sweep(tiny_sweep)
    assert [is_done(tmp_path / "out" / cell.path) for cell in cells] == [True, True, False]
