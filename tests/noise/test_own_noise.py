"""A noise that is registered outside of the package, as docs/methods.md says."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

from clc_text.cli import app
from clc_text.config.recipe import load
from clc_text.noise.base import noise

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
COMMANDS = (
    "recipe parts noise",
    "noise inject recipe.yaml --out noisy",
    "noise replay noisy recipe.yaml --out again",
    "train recipe.yaml --out run",
    "noise replay run recipe.yaml --out once_more",
)


def test_a_noise_of_ones_own(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = load(tiny_recipe).to_dict()
    (tmp_path / "recipe.yaml").write_text(
        json.dumps(plain | {"noise": {"name": "one_class", "rate": 0.4, "source": "HUM"}}), encoding="utf-8"
    )
    (tmp_path / "my_noise.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(noise, "_parts", {name: noise.get(name) for name in noise.names()})  # it stays registered
    importlib.import_module("my_noise")
    monkeypatch.delitem(sys.modules, "my_noise")
    for arguments in COMMANDS:
        app(arguments.split(), standalone_mode=False)
    assert "one_class              One class is mistaken for all others." in capsys.readouterr().out
    manifest = json.loads((tmp_path / "noisy" / "noise" / "manifest.json").read_text())
    assert manifest["options"] == {"draw": "independent", "rate": 0.4, "source": "HUM"}
    assert manifest["realised_rate_per_class"][manifest["label_names"].index("HUM")] == pytest.approx(0.4, abs=0.2)
    assert manifest == json.loads((tmp_path / "run" / "noise" / "manifest.json").read_text())
