"""Features of a frozen model are computed by the first command that needs them, and by no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_bert import POSITIONS, WORDS
from typer.testing import CliRunner

from clc_text.cli import app
from clc_text.text.encoders.features.compute import FrozenModel

RECIPE = """
data: {{name: files, train: "{rows}", text: message}}
encoder: {{name: sentence, model: "{model}", max_length: {length}}}
network: {{name: mlp, hidden: [8]}}
method: {{name: clc_auto, folds: 2, fold_rounds: 2, fold_epochs: 2}}
training: {{epochs: 2, batch_size: 20, device: cpu, eval_batch_size: 33}}
canaries: 0.02
"""


@pytest.mark.usefixtures("undrawn")
def test_no_command_computes_them_again(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path / "cache"))
    computed: list[int] = []
    vectors = FrozenModel.vectors

    def counting(self: FrozenModel, texts: list[str], *more: Any) -> Any:
        computed.append(len(texts))
        return vectors(self, texts, *more)

    monkeypatch.setattr(FrozenModel, "vectors", counting)
    rows = [
        f"{WORDS[a]} {WORDS[b]} {WORDS[(a + b) % len(WORDS)]},{'yes' if a < 10 else 'no'}"
        for a in range(20)
        for b in range(0, 20, 4)
    ]
    (tmp_path / "rows.csv").write_text("message,label\n" + "\n".join(rows) + "\n")
    recipe, run = tmp_path / "recipe.yaml", tmp_path / "run"
    recipe.write_text(RECIPE.format(rows=tmp_path / "rows.csv", model=tiny_bert, length=POSITIONS))

    def call(*arguments: object) -> None:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == 0, (arguments, result.output, result.exception)

    call("data", "check", recipe)
    assert computed == [], "its lengths need no model"
    call("noise", "estimate", recipe)
    assert computed == [100]
    call("train", recipe, "--out", run)
    call("correct", run)
    call("audit", run)
    call("predict", run, tmp_path / "rows.csv")
    call("report", run)
    assert computed == [100]
