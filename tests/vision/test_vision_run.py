"""Images through the whole program: a run, its resumption, its predictions; the same methods as for texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from refusals import refused
from safetensors.numpy import load_file
from transformers import TrainerCallback
from typer.testing import CliRunner

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.config.recipe import Recipe, load, loads, registries
from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.data.rows import Rows
from clc_text.inference.predictor import Predictor
from clc_text.methods.base import method
from clc_text.methods.clc import CLC
from clc_text.runs.observer import Silent
from clc_text.runs.prepare import encode, noise_input
from clc_text.runs.run import train
from clc_text.training.arguments import NoisyLabelArguments
from clc_text.vision.datasets.reading.tables import encode_png
from clc_text.vision.encoders.pixels import FittedPixels, Pixels
from clc_text.vision.images import LazyImages
from clc_text.vision.networks.cnn9 import CNN9

SMALL = """
modality: vision
data: {{name: cifar10, path: "{path}"}}
noise: {{name: symmetric, rate: 0.2}}
encoder: {{name: pixels, pad: 2, flip: true, jitter: 0.2}}
network: {{name: cnn9, width: 2}}
method: {{name: clc, warmup_epochs: 2}}
training: {{epochs: 4, batch_size: 16, eval_batch_size: 20, learning_rate: 2.0e-3, checkpoint_epochs: 1, device: cpu}}
"""


def stripes(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of ten classes, told apart by colour and width of their stripes, with noise over them."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % 10
    wave = np.sin(np.arange(32)[None] * (1 + labels[:, None] // 3) / 3 + generator.random((rows, 1)) * 6)
    images = np.zeros((rows, 32, 32, 3))
    images[np.arange(rows), :, :, labels % 3] = 90 * wave[:, None, :]
    images += 128 + generator.normal(0, 20, images.shape)
    return images.clip(0, 255).astype(np.uint8), labels


@pytest.fixture(scope="session")
def small_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stripes")
    for seed, (split, rows) in enumerate({"train": 60, "test": 20}.items()):
        images, labels = stripes(rows, seed)
        encoded = [{"bytes": encode_png(image), "path": f"{row}.png"} for row, image in enumerate(images)]
        pq.write_table(pa.table({"img": encoded, "label": labels}), folder / f"{split}-00000-of-00001.parquet")
    return folder


def recipe_of(folder: Path, *overrides: str) -> Recipe:
    return loads(SMALL.format(path=folder), overrides=overrides)


@pytest.fixture(scope="session")
def image_run(small_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("images") / "run"
    train(recipe_of(small_images), directory)
    return directory


class StopAfter(Silent):
    def __init__(self, epoch: int) -> None:
        self.last = epoch

    def epoch(self, entry: dict[str, Any], notices: list[Any]) -> None:
        if entry["epoch"] == self.last:
            raise KeyboardInterrupt


# ---- a run ----


def test_a_run_of_images_is_complete(image_run: Path) -> None:
    run = RunDirectory(image_run)
    assert run.complete and run.log_probs("train").shape == (2, 60, 10) and run.log_probs("test").shape == (2, 20, 10)
    assert [entry["phase"] for entry in run.metrics()] == ["warm-up"] * 2 + ["method"] * 2
    assert np.array_equal(np.array(run.data("train")[7]["img"]), stripes(60, 0)[0][7])
    predicted = Predictor(run).predict(run.data("test")["img"])
    np.testing.assert_allclose(predicted.log_probs, run.log_probs("test"), atol=1e-4)


def test_a_run_cut_short_goes_on_exactly(small_images: Path, image_run: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(recipe_of(small_images), tmp_path / "run", observer=StopAfter(3))
    train(recipe_of(small_images), tmp_path / "run", resume=True)
    for name in ("predictions.safetensors", "model/model.safetensors"):
        one, other = load_file(image_run / name), load_file(tmp_path / "run" / name)
        assert one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


class StopAtStep(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt


def images_trainer(
    folder: Path, encoder: FittedPixels | None, workers: int = 0, save_at: int | None = None, **more: Any
) -> NoisyLabelTrainer:
    images, labels = stripes(60, 0)
    pixels = (encoder or Pixels().fit(images, [], 0)).encode(images)
    model = CNN9(width=2, dropout=0.3).build(pixels, [str(number) for number in range(10)], 2, 0)
    arguments = NoisyLabelArguments(
        output_dir=str(folder), num_train_epochs=3, per_device_train_batch_size=16, per_device_eval_batch_size=20,
        learning_rate=2e-3, save_strategy="steps" if save_at else "no", save_steps=save_at or 1,
        logging_strategy="no", data_seed=0, disable_tqdm=True,
        use_cpu=True, report_to="none", dataloader_num_workers=workers,
    )  # fmt: skip
    rows = Rows(pixels, torch.from_numpy(labels))
    augment = None if encoder is None else encoder.augment
    return NoisyLabelTrainer(
        model, arguments, method=CLC(warmup_epochs=1), train_dataset=rows, dynamics_dir=folder / "dynamics",
        augment=augment, **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def augmented(tmp_path_factory: pytest.TempPathFactory) -> tuple[FittedPixels, NoisyLabelTrainer]:
    """An encoder that changes images, and a whole training with it."""
    encoder = Pixels(pad=2, flip=True, jitter=0.3).fit(stripes(1, 0)[0], [], 3)
    trainer = images_trainer(tmp_path_factory.mktemp("whole"), encoder)
    trainer.train()
    return encoder, trainer


@pytest.mark.parametrize("step", [2, 4, 7])
def test_resume_within_an_epoch_sees_the_same_augmented_images(
    augmented: tuple[FittedPixels, NoisyLabelTrainer], tmp_path: Path, step: int
) -> None:
    """60 rows in batches of 16 are 4 steps an epoch: 2 and 7 lie within one."""
    encoder, whole = augmented
    with pytest.raises(KeyboardInterrupt):
        images_trainer(tmp_path, encoder, save_at=step, callbacks=[StopAtStep(step)]).train()
    resumed = images_trainer(tmp_path, encoder, save_at=step)
    resumed.train(resume_from_checkpoint=True)
    for name, values in whole.model.state_dict().items():
        assert torch.equal(values, resumed.model.state_dict()[name]), name


def test_the_augmentation_reaches_the_networks(
    augmented: tuple[FittedPixels, NoisyLabelTrainer], tmp_path: Path
) -> None:
    plain = images_trainer(tmp_path, None)
    plain.train()
    weights = [trainer.model.state_dict()["layers.0.weight"] for trainer in (augmented[1], plain)]
    assert not torch.equal(*weights)


@pytest.mark.parametrize("workers", [0, 1])
def test_images_decoded_when_needed_give_the_same_training(tmp_path: Path, workers: int) -> None:
    one = images_trainer(tmp_path / "memory", Pixels(size=32, flip=True, in_memory=True).fit([], [], 0))
    one.train()
    lazy = images_trainer(tmp_path / "lazy", Pixels(size=32, flip=True, in_memory=False).fit([], [], 0), workers)
    assert isinstance(lazy.train_dataset.inputs["pixels"], LazyImages)
    assert torch.equal(one.model.normalise.mean, lazy.model.normalise.mean)
    lazy.train()
    for name, values in one.model.state_dict().items():
        assert torch.equal(values, lazy.model.state_dict()[name]), name


def test_rows_know_what_they_need_on_a_device() -> None:
    images, labels = stripes(12, 0)
    rows = Rows(Pixels().fit(images, [], 0).encode(images), torch.from_numpy(labels))
    assert rows.nbytes == 12 * 3 * 32 * 32
    moved = rows.to(torch.device("cpu")).__getitems__([3, 1])
    assert torch.equal(moved["pixels"], rows.inputs["pixels"][[3, 1]]) and moved["index"].tolist() == [3, 1]
    lazy = Rows({"pixels": LazyImages(images, 32)}, torch.from_numpy(labels))  # type: ignore[dict-item]
    assert lazy.nbytes == float("inf")


def test_half_precision(small_images: Path, tmp_path: Path) -> None:
    train(recipe_of(small_images, "training.precision=bf16", "training.epochs=3"), tmp_path / "run")
    weights = load_file(tmp_path / "run" / "model" / "model.safetensors")
    assert all(values.dtype == np.float32 for values in weights.values())


def test_the_schedule_of_cifar(small_images: Path, tmp_path: Path) -> None:
    changes = ["training.lr_schedule=linear", "training.decay_from_epoch=2", "training.momentum_after_decay=0.1"]
    train(recipe_of(small_images, *changes), tmp_path / "run")
    rates = [entry["learning_rate"] for entry in RunDirectory(tmp_path / "run").metrics()]
    assert rates[0] == 2e-3 and rates[1] >= rates[2] > rates[3] >= 0 and rates[2] == pytest.approx(1e-3, abs=3e-4)


# ---- the same methods ----


def test_the_methods_are_those_of_texts() -> None:
    texts, images = registries("text"), registries("vision")
    assert images["methods"] is texts["methods"] is method and images["noise"] is texts["noise"]
    assert {"datasets", "encoders", "networks"} == {kind for kind in texts if texts[kind] is not images[kind]}


@pytest.mark.parametrize("name", method.names())
def test_every_method_trains_images(small_images: Path, tmp_path: Path, name: str) -> None:
    overrides = [f"method={{name: {name}}}", "training.epochs=2", "noise_rate=0.2", "training.checkpoint_epochs=0"]
    if "warmup_epochs" in method.get(name).__dataclass_fields__:
        overrides.append("method.warmup_epochs=1")
    if name == "clc_auto":
        overrides += ["method.folds=2", "method.fold_rounds=2", "method.fold_epochs=2"]
    train(recipe_of(small_images, *overrides), tmp_path / "run")
    entries = RunDirectory(tmp_path / "run").metrics()
    assert len(entries) == 2 and all(np.isfinite(entry["loss"]) for entry in entries)


# ---- predictions ----


def clc_text(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_predict_and_evaluate(image_run: Path, small_images: Path, tmp_path: Path) -> None:
    table = small_images / "test-00000-of-00001.parquet"
    images, _ = stripes(20, 1)
    names = RunDirectory(image_run).label_names
    for row in (3, 14):
        folder = tmp_path / "folder" / names[row % 10]
        folder.mkdir(parents=True)
        (folder / f"{row}.png").write_bytes(encode_png(images[row]))
    of_table = [json.loads(line) for line in clc_text("predict", str(image_run), str(table)).stdout.splitlines()]
    assert [entry["image"] for entry in of_table] == [f"{row}.png" for row in range(20)]
    of_folder = clc_text("predict", str(image_run), str(tmp_path / "folder")).stdout.splitlines()
    entries = [json.loads(line) for line in of_folder]
    assert [(Path(entry["image"]).name, entry["label"]) for entry in entries] == [
        ("3.png", of_table[3]["label"]),
        ("14.png", of_table[14]["label"]),
    ]
    own = json.loads(clc_text("evaluate", str(image_run), "--json").stdout)
    read = json.loads(clc_text("evaluate", str(image_run), str(table), "--json").stdout)
    assert read.pop("read_as") == {str(number): name for number, name in enumerate(names)}
    assert (read.pop("left_out"), len(read.pop("notes"))) == (0, 1)
    assert read["accuracy"] == own["accuracy"] and read["confusion"] == own["confusion"]
    assert json.loads(clc_text("evaluate", str(image_run), str(tmp_path / "folder"), "--json").stdout)["rows"] == 2


def test_wrong_inputs_are_named(image_run: Path, small_images: Path, tmp_path: Path) -> None:
    from clc_text.inference.prediction_file import HowToRead, read_rows

    run = RunDirectory(image_run)
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").write_text("no image")
    (tmp_path / "list.csv").write_text("file\na.png\n")
    for path in ("nowhere", "empty", "notes.md", "list.csv"):
        with refused(where=tmp_path / path):
            read_rows(run, tmp_path / path)
    assert read_rows(run, tmp_path / "list.csv", HowToRead("file")) == [str(tmp_path / "a.png")]


@pytest.mark.parametrize("in_memory", [True, False])
def test_an_unreadable_image_has_its_number_among_all(image_run: Path, in_memory: bool, tmp_path: Path) -> None:
    predictor = Predictor(RunDirectory(image_run), block=4)
    predictor.encoder.size, predictor.encoder.in_memory = 32, in_memory
    (tmp_path / "image 3.png").write_bytes(b"no image")
    images = [*stripes(9, 1)[0], tmp_path / "image 3.png"]
    with refused(where="image 10"):
        predictor.predict(images)


def test_correct_keeps_the_images(image_run: Path) -> None:
    found = clc_text("correct", str(image_run))
    assert found.exit_code == 0, found.output
    from datasets import load_dataset

    shards = sorted(str(path) for path in (image_run / "corrected" / "data").glob("*.parquet"))
    rows = load_dataset("parquet", data_files=shards, split="train", cache_dir=str(image_run / ".cache"))
    assert {"img", "label", "label_given", "confidence"} <= set(rows.column_names)
    assert np.array_equal(np.array(rows[7]["img"]), stripes(60, 0)[0][7])


# ---- what noise sees, and the recipes ----


def test_noise_that_looks_at_images_sees_them_from_minus_one_to_one(small_images: Path, tmp_path: Path) -> None:
    recipe = recipe_of(small_images, "noise={name: instance, rate: 0.3}")
    encoded = encode(recipe, Silent())
    features = noise_input(recipe, encoded.task, encoded.train_inputs).features
    assert features.shape == (60, 3072) and features.dtype == np.float32 and -1 <= features.min() < features.max() <= 1
    lazy = recipe_of(small_images, "noise={name: instance, rate: 0.3}", "encoder={size: 32, in_memory: false}")
    with refused(key="encoder.in_memory"):
        train(lazy, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_recipes_are_sound(recipes: Path) -> None:
    files = sorted((recipes / "vision").glob("*.yaml"))
    assert len(files) >= 17
    for file in files:
        recipe = load(file)
        assert recipe.modality == "vision", file
        assert file.read_text().splitlines()[1] == f"#   clc-text train recipes/vision/{file.name}", file


def test_the_smoke_recipe_learns(recipes: Path, real_data: Path, tmp_path: Path) -> None:
    """Real CIFAR-10, a fifth of the smoke recipe: far from good, and better than one in ten."""
    if not (real_data / "cifar10").is_dir():
        pytest.skip("there is no cifar10 in CLC_TEXT_DATA")
    chosen = ["data.rows=400", "data.test_rows=500", "training.epochs=5", "method.warmup_epochs=3", "network.width=8"]
    chosen += ["training.batch_size=16", "training.learning_rate=2e-3"]  # or so few rows are too few steps
    train(load(recipes / "vision" / "cifar10_smoke.yaml", chosen), tmp_path / "run")
    accuracy = [entry["test"]["accuracy"]["ensemble"] for entry in RunDirectory(tmp_path / "run").metrics()]
    assert max(accuracy[2:]) > 15  # 500 rows by chance: 10 ± 1.3
