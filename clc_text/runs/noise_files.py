"""Noisy labels as files, without training: `clc-text noise inject` and `replay`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.artifacts.names import located
from clc_text.artifacts.run_directory import write_rows
from clc_text.config.recipe import Recipe
from clc_text.data.labels import Labels
from clc_text.data.task import Task, with_labels
from clc_text.errors import InputError
from clc_text.noise.inject import inject, noise_of, replay
from clc_text.runs.load import load_task
from clc_text.runs.prepare import noise_input
from clc_text.utils.files import check_regular, replace_folder, write_json

BEFORE = ("label_true", "label_source", "label_before_noise")  # what the labels before the noise are called


def inject_and_save(recipe: Recipe, out: Path) -> dict[str, Any]:
    """Writes into `out`: data/train.parquet (and test), noise/labels.parquet, noise/manifest.json.

    The training rows' label column holds the noisy labels; `label_true` (the first free of `BEFORE`) holds the
    source's. Gives the manifest.
    """
    _must_be_new(out)
    task = load_task(recipe)
    injection = inject(recipe.noise, noise_input(recipe, task), recipe.seeds.noise)
    _save(task, injection.labels, injection.manifest, out)
    return injection.manifest


def replay_and_save(manifest_file: Path, recipe: Recipe, out: Path) -> int:
    """The same files from a manifest; gives the number of rows."""
    _must_be_new(out)
    if manifest_file.is_dir():
        manifest_file = located(manifest_file, "noise/manifest.json")
    check_regular(manifest_file, "noise manifest")
    try:
        manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no noise manifest {manifest_file}", where=manifest_file) from None
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"{manifest_file} is no readable JSON: {error}", where=manifest_file) from None
    if not isinstance(manifest, dict):
        raise InputError(f"{manifest_file} is no noise manifest: it holds no keys", where=manifest_file)
    kind = noise_of(manifest)
    task = load_task(recipe)
    labels = replay(manifest, noise_input(recipe, task, kind=kind))  # the recipe's own noise is not asked
    _save(task, labels, manifest, out)
    return len(labels)


def _must_be_new(out: Path) -> None:
    if out.exists():
        raise InputError(f"{out} exists already; choose another directory with --out", where=out)


def _save(task: Task, noisy: np.ndarray, manifest: dict[str, Any], out: Path) -> None:
    true = task.given_labels
    before = next((name for name in BEFORE if name not in task.train.column_names), None)
    if before is None:
        raise InputError(
            f"the data has columns {', '.join(BEFORE)} already, so there is no name left for the labels before the "
            "noise; rename one of them"
        )
    rows = with_labels(task.train.add_column(before, true.tolist()), task.label_column, noisy)
    labels = Labels(noisy, true=true)

    def write(folder: Path) -> None:
        write_json(folder / "noise" / "manifest.json", manifest)
        labels.write(folder / "noise" / "labels.parquet")
        write_rows(rows, folder / "data" / "train.parquet")
        if task.test is not None:
            write_rows(task.test, folder / "data" / "test.parquet")

    replace_folder(out, write)
