"""A run on images that stay in files of their own, trained by a recipe whose paths are relative."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.config.recipe import loads
from clc_text.hub.card import Stated
from clc_text.hub.contents import dataset_bundle
from clc_text.runs.run import train

RECIPE = """
modality: vision
data: {name: food101, path: food-101}
noise: {name: symmetric, rate: 0.2}
encoder: {name: pixels, size: 32}
network: {name: cnn9, width: 2}
method: {name: clc, warmup_epochs: 1}
training: {epochs: 2, batch_size: 4, eval_batch_size: 4, learning_rate: 2.0e-3, checkpoint_epochs: 0, device: cpu}
"""


def food101(root: Path) -> None:
    generator = np.random.default_rng(0)
    names = ["apple_pie", "waffles"]
    (root / "meta").mkdir(parents=True)
    (root / "meta/classes.txt").write_text("\n".join(names))
    for split, rows in (("train", 8), ("test", 4)):
        keys = [f"{names[row % 2]}/{split}{row}" for row in range(rows)]
        (root / f"meta/{split}.txt").write_text("\n".join(keys))
        for row, key in enumerate(keys):
            path = root / f"images/{key}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = generator.integers(0, 120, (40, 50, 3), dtype=np.uint8) + np.uint8(120 * (row % 2))
            Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the images and the corrected run on them, which was trained there."""
    folder = tmp_path_factory.mktemp("alice")
    food101(folder / "food-101")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train(loads(RECIPE), Path("run"))
        clc_text("correct", "run", "--policy", "agree")
    return folder


def clc_text(*arguments: object) -> None:
    found = CliRunner().invoke(app, list(map(str, arguments)))
    assert found.exit_code == 0, found.output


@pytest.mark.usefixtures("undrawn")
def test_the_images_are_found_from_another_folder(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import load_dataset

    monkeypatch.chdir(tmp_path)
    corrected = load_dataset(str(listed / "run/corrected"), split="train", cache_dir=str(tmp_path / "cache"))
    assert corrected[0]["image"].size == (50, 40)
    clc_text("report", listed / "run", "--out", "report.html")
    page = Path("report.html").read_text(encoding="utf-8")
    assert "could not be read" not in page
    assert page.count("data:image/jpeg;base64,") == 2 * 8  # beside its row, and in the review
    clc_text("export", listed / "run", "--k", 3, "--format", "csv", "--out", "look.csv")
    with open("look.csv", newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            with Image.open(row["image"]) as picture:  # this folder is the table's
                assert picture.size == (50, 40)


def test_the_folder_tells_nothing_of_the_run(listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files elsewhere give the same run, and what is published names no folder."""
    shutil.copytree(listed / "food-101", tmp_path / "food-101")
    monkeypatch.chdir(tmp_path)
    train(loads(RECIPE), Path("run"))
    runs = [RunDirectory(folder / "run") for folder in (listed, tmp_path)]
    assert runs[0].run_id == runs[1].run_id
    facts = [run.environment() | {"files": None} for run in runs]
    assert facts[0] == facts[1]
    (tmp_path / "folder").mkdir()
    bundle = dataset_bundle(runs[0], "user/name", Stated(), tmp_path / "folder")
    assert listed.name not in bundle.card
    for name, path in bundle.files.items():
        assert listed.name.encode() not in path.read_bytes(), name
