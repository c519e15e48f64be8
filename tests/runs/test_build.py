"""From a recipe to a trainer: what of the recipe is fitted to the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from clc_text.config.recipe import load
from clc_text.runs.build import build_trainer, fitting_batch
from clc_text.runs.prepare import prepare


@pytest.mark.parametrize(
    ("size", "rows", "fitting"),
    [
        (128, 128, 128), (128, 5000, 128), (1, 1, 1), (128, 127, 16), (128, 120, 16), (128, 64, 16), (128, 63, 8),
        (64, 20, 4), (8, 7, 1), (8, 1, 1), (2, 1, 1),
    ],
)  # fmt: skip
def test_a_batch_that_the_rows_do_not_fill(size: int, rows: int, fitting: int) -> None:
    assert fitting_batch(size, rows) == fitting


@pytest.mark.parametrize(("size", "taken"), [(64, 64), (128, 16)])
def test_it_is_fitted_and_said(tiny_recipe: Path, tmp_path: Path, size: int, taken: int) -> None:
    recipe = load(tiny_recipe, ["data.rows=100", f"training.batch_size={size}"])
    said: list[str] = []
    trainer = build_trainer(recipe, tmp_path / "run", prepare(recipe), say=said.append)
    assert trainer.args.per_device_train_batch_size == taken
    assert len(trainer.get_train_dataloader()) == -(-100 // taken)
    told = ["training.batch_size is 128, but there are only 100 training rows: each step takes 16 of them"]
    assert said == ([] if size == taken else told)
