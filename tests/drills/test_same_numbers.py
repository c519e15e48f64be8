"""The drill that compares two checkouts: it sees every figure of a run, and one that differs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import same_numbers as drill
from safetensors.numpy import load_file, save_file


def facts(run: Path) -> dict[str, Any]:
    return {"machine": "one", "real data": False, "runs": {"run": drill.figures(run)}}


def test_a_run_is_like_itself(tiny_run: Path) -> None:
    found = facts(tiny_run)["runs"]["run"]
    assert "result.json:0.accuracy.last.ensemble" in found
    assert "noise/labels.parquet:given" in found
    assert any(name.startswith("model/model.safetensors:") for name in found)
    assert not any("seconds" in name for name in found)
    assert drill.compare(facts(tiny_run), facts(tiny_run), []) == []


def test_one_bit_is_seen(tiny_run: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    path = changed / "model" / "model.safetensors"
    tensors = load_file(path)
    name = next(name for name, values in tensors.items() if values.dtype == np.float32)
    values = tensors[name].copy()
    values.reshape(-1)[0] = np.nextafter(values.reshape(-1)[0], np.float32(9))
    save_file({**tensors, name: values}, path, metadata={"format": "pt"})
    (unlike,) = drill.compare(facts(tiny_run), facts(changed), [])
    assert unlike.startswith(f"run/model/model.safetensors:{name}: ")


@pytest.mark.parametrize(("renamed", "count"), [([], 2), ([("^ledger/", "dynamics/")], 0)])
def test_a_file_may_have_another_name(renamed: list[tuple[str, str]], count: int) -> None:
    names = ("ledger/a", "dynamics/a")
    sides = [{"machine": "one", "real data": False, "runs": {"run": {name: 1}}} for name in names]
    assert len(drill.compare(*sides, renamed)) == count
