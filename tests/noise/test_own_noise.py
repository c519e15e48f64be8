"""A noise that is registered outside of the package, as docs/methods.md says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = '''
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.config.components import option
from clc_text.noise.base import RatedNoise, noise


@noise("one_class")
@dataclass(frozen=True, kw_only=True)
class OneClass(RatedNoise):
    """One class is mistaken for all others."""

    source: str = option(help="the class that is mistaken")

    def matrix(self, label_names: list[str]) -> np.ndarray:
        transition = np.eye(len(label_names))
        row = label_names.index(self.source)
        transition[row] = self.rate / (len(label_names) - 1)
        transition[row, row] = 1 - self.rate
        return transition

    def convention(self, label_names: list[str]) -> str:
        return f"'{self.source}' is mistaken with probability {self.rate}."
'''
SCRIPT = """
import my_noise

from clc_text.cli import app

for arguments in (
    "recipe parts noise",
    "noise inject recipe.yaml --out noisy",
    "noise replay noisy recipe.yaml --out again",
    "train recipe.yaml --out run",
    "noise replay run recipe.yaml --out once_more",
):
    app(arguments.split(), standalone_mode=False)
"""


def test_a_noise_of_ones_own(tiny_recipe: Path, tmp_path: Path) -> None:
    """In a process of its own, as a registered noise stays."""
    from clc_text.config.recipe import load

    plain = load(tiny_recipe).to_dict()
    (tmp_path / "recipe.yaml").write_text(
        json.dumps(plain | {"noise": {"name": "one_class", "rate": 0.4, "source": "HUM"}}), encoding="utf-8"
    )
    (tmp_path / "my_noise.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    found = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=280)
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    assert "one_class              One class is mistaken for all others." in found.stdout
    manifest = json.loads((tmp_path / "noisy" / "noise" / "manifest.json").read_text())
    assert manifest["options"] == {"draw": "independent", "rate": 0.4, "source": "HUM"}
    assert manifest["realised_rate_per_class"][manifest["label_names"].index("HUM")] == pytest.approx(0.4, abs=0.2)
    assert manifest == json.loads((tmp_path / "run" / "noise" / "manifest.json").read_text())
