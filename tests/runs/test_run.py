"""A run: what it leaves behind, and that a resumed one is the uninterrupted one, bit for bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused
from safetensors.numpy import load_file

from clc_text.artifacts.dynamics import read_epoch
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_lock import LOCK
from clc_text.config.recipe import Recipe, load, loads
from clc_text.errors import InputError
from clc_text.inference.evaluation import evaluate_run
from clc_text.runs.console import show_result
from clc_text.runs.observer import Silent
from clc_text.runs.run import train


class Interruption(Exception):
    pass


class StopAfter(Silent):
    """Ends the run as a crash would, right after an epoch."""

    def __init__(self, epoch: int) -> None:
        self.last = epoch

    def epoch(self, entry: dict[str, Any], notices: list[Any]) -> None:
        if entry["epoch"] == self.last:
            raise Interruption


def recipe_of(path: Path, *overrides: str) -> Recipe:
    return load(path, overrides)


def same_run(one: Path, other: Path) -> None:
    """All that a run learns and records is equal to the bit; only times differ."""
    for name in ("predictions.safetensors", "model/model.safetensors"):
        first, second = load_file(one / name), load_file(other / name)
        assert first.keys() == second.keys()
        for key in first:
            assert np.array_equal(first[key], second[key]), f"{name}: {key}"

    def timeless(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: value for key, value in entry.items() if key != "seconds"} for entry in entries]

    assert timeless(RunDirectory(one).metrics()) == timeless(RunDirectory(other).metrics())
    epochs = RunDirectory(one).dynamics_epochs()
    assert epochs == RunDirectory(other).dynamics_epochs()
    for epoch in epochs:
        file = f"dynamics/epoch-{epoch:04d}.parquet"
        first_record, second_record = read_epoch(one / file), read_epoch(other / file)
        for field in ("seen", "prediction", "confidence", "entropy", "target", "selected"):
            assert getattr(first_record, field).equal(getattr(second_record, field)), f"{file}: {field}"


def test_a_run_directory_is_complete_and_readable_without_the_package(tiny_run: Path) -> None:
    import pyarrow.parquet as pq
    import yaml

    for name in (
        "recipe.yaml", "environment.json", "noise/manifest.json", "noise/labels.parquet", "metrics.jsonl",
        "dynamics/epoch-0005.parquet", "model/model.safetensors", "encoder", "predictions.safetensors", "result.json",
        "notices.json", "data/train.parquet", "data/test.parquet",
    ):  # fmt: skip
        assert (tiny_run / name).exists(), name
    assert yaml.safe_load((tiny_run / "recipe.yaml").read_text())["method"]["name"] == "clc"
    assert pq.read_table(tiny_run / "noise/labels.parquet").num_rows == 400
    assert pq.read_table(tiny_run / "data/train.parquet").num_rows == 400
    assert len((tiny_run / "metrics.jsonl").read_text().splitlines()) == 5
    assert load_file(tiny_run / "predictions.safetensors")["train"].shape == (2, 400, 6)
    assert not list(tiny_run.rglob("*.part"))


def test_the_keys_of_result_json_are_an_interface(tiny_run: Path) -> None:
    result = json.loads((tiny_run / "result.json").read_text())
    assert set(result) == {
        "method", "dataset", "recipe", "run_id", "noise", "seeds", "peers", "epochs", "seconds", "accuracy", "train",
        "warnings", "ece", "temperature", "cost",
    }  # fmt: skip
    assert set(result["cost"]) == {"processor_seconds", "flops", "products_seconds"}
    assert set(result["noise"]) == {"name", "rate", "realised_rate"}
    assert set(result["seeds"]) == {"data", "noise", "network"}
    assert set(result["accuracy"]) == {"last", "last10", "best_oracle"}
    assert all(set(figures) == {"peers_mean", "ensemble"} for figures in result["accuracy"].values())
    assert set(result["train"]) == {"rows", "changed", "fixed", "broken", "missed", "given_right", "target_right"}
    assert result["method"] == "clc"
    assert result["dataset"] == "quickstart"


def test_result_json_says_what_metrics_say(tiny_run: Path) -> None:
    run = RunDirectory(tiny_run)
    accuracies = [entry["test"]["accuracy"] for entry in run.metrics()]
    means = [sum(epoch["peers"]) / 2 for epoch in accuracies]
    figures = run.result()["accuracy"]
    assert figures["last"]["peers_mean"] == pytest.approx(means[-1])
    of_method = [mean for mean, entry in zip(means, run.metrics(), strict=True) if entry["phase"] == "method"]
    assert 0 < len(of_method) < len(means) == 5  # there are but five epochs, and some are warm-up
    assert figures["last10"]["peers_mean"] == pytest.approx(sum(of_method) / len(of_method))
    assert figures["best_oracle"]["ensemble"] == max(epoch["ensemble"] for epoch in accuracies)
    summary = run.result()["train"]
    assert summary["target_right"] == summary["given_right"] + summary["fixed"] - summary["broken"]


def test_labels_keep_given_trained_and_true_apart(tiny_run: Path) -> None:
    labels = RunDirectory(tiny_run).labels()
    assert labels.true is not None
    assert labels.canary.sum() == 8  # 2 % of 400
    assert (labels.trained != labels.given)[labels.canary].all()
    assert (labels.trained == labels.given)[~labels.canary].all()
    flipped = (labels.given != labels.true).mean()
    assert flipped == pytest.approx(RunDirectory(tiny_run).noise_manifest()["realised_rate"])


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_resumed_run_is_the_uninterrupted_one(tiny_recipe: Path, tmp_path: Path, stop: int) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    train(recipe_of(tiny_recipe), whole)
    with pytest.raises(Interruption):
        train(recipe_of(tiny_recipe), resumed, observer=StopAfter(stop))
    assert not RunDirectory(resumed).complete
    train(recipe_of(tiny_recipe), resumed, resume=True)
    same_run(whole, resumed)


def test_resumed_after_the_last_epoch_it_says_the_same_of_itself(tiny_recipe: Path, tmp_path: Path) -> None:
    """A crash after the last checkpoint, before anything else was written, with ledgers of every third epoch."""
    recipe = recipe_of(
        tiny_recipe, "training.dynamics_epochs=3", "training.learning_rate=0.05", "method.threshold_scale=2"
    )
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    train(recipe, whole)
    shutil.copytree(whole, resumed)
    for name in ("result.json", "notices.json", "predictions.safetensors"):
        (resumed / name).unlink()
    shutil.rmtree(resumed / "model")
    train(recipe, resumed, resume=True)
    same_run(whole, resumed)
    guards = json.loads((whole / "notices.json").read_text())
    assert guards == json.loads((resumed / "notices.json").read_text())
    assert any("given up" in notice["name"] for notice in guards)


def test_a_checkpoint_cut_short_is_not_used(tiny_recipe: Path, tmp_path: Path) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    train(recipe_of(tiny_recipe), whole)
    with pytest.raises(Interruption):
        train(recipe_of(tiny_recipe), resumed, observer=StopAfter(4))
    newest = max((resumed / "checkpoints").iterdir(), key=lambda path: int(path.name.split("-")[1]))
    (newest / "complete.json").unlink()
    (newest / "model.safetensors").write_bytes(b"half")
    (resumed / "metrics.jsonl").write_text((resumed / "metrics.jsonl").read_text() + '{"epoch": 5, "st')
    train(recipe_of(tiny_recipe), resumed, resume=True)
    same_run(whole, resumed)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (9_000, "it would be larger than a file may be here; raise that limit"),  # model.safetensors
        (120_000, "writing it broke off; make room on the disk"),  # optimizer.pt
    ],
)
def test_no_room_for_a_checkpoint_is_one_sentence(
    size: int, said: str, tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    from transformers import Trainer

    real, before = Trainer._save_checkpoint, resource.getrlimit(resource.RLIMIT_FSIZE)

    def on_a_full_disk(*arguments: Any) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            real(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    run = tmp_path / "run"
    with (
        monkeypatch.context() as patch,
        pytest.raises(InputError, match=r"checkpoint-\d+ cannot be written: ") as found,
    ):
        patch.setattr(Trainer, "_save_checkpoint", on_a_full_disk)
        train(recipe_of(tiny_recipe), run)
    assert said in str(found.value)
    train(recipe_of(tiny_recipe), run, resume=True)


def test_a_run_without_checkpoints_starts_anew(tiny_recipe: Path, tmp_path: Path) -> None:
    without = recipe_of(tiny_recipe, "training.checkpoint_epochs=0")
    train(without, tmp_path / "whole")
    with pytest.raises(Interruption):
        train(without, tmp_path / "resumed", observer=StopAfter(3))
    train(without, tmp_path / "resumed", resume=True)
    same_run(tmp_path / "whole", tmp_path / "resumed")


def test_the_same_recipe_gives_the_same_run_and_seeds_matter(tiny_recipe: Path, tmp_path: Path) -> None:
    train(recipe_of(tiny_recipe), tmp_path / "one")
    train(load(tmp_path / "one" / "recipe.yaml"), tmp_path / "other")
    same_run(tmp_path / "one", tmp_path / "other")
    one = RunDirectory(tmp_path / "one")
    assert one.run_id == RunDirectory(tmp_path / "other").run_id
    noisier = train(recipe_of(tiny_recipe, "seeds.noise=1"), tmp_path / "noise")
    assert not np.array_equal(noisier.labels().given, one.labels().given)
    assert np.array_equal(noisier.labels().true, one.labels().true)
    drawn = train(recipe_of(tiny_recipe, "seeds.network=1"), tmp_path / "network")
    assert np.array_equal(drawn.labels().given, one.labels().given)
    assert not np.array_equal(drawn.log_probs(), one.log_probs())


def test_peers_differ(tiny_run: Path) -> None:
    first, second = RunDirectory(tiny_run).log_probs()
    assert not np.allclose(first, second)


def test_a_run_without_test_rows_says_how_it_can_be_tested(
    tiny_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "left,0\nright,1\n" * 20)
    recipe = loads(
        f"data: {{name: files, train: {rows}}}\nmethod: standard\nencoder: {{name: word_vectors, vectors: train}}\n"
        "network: {hidden: [8]}\ntraining: {epochs: 1, batch_size: 20, device: cpu}\n"
    )
    run = train(recipe, tmp_path / "run")
    show_result(run)
    shown = capsys.readouterr().out
    assert "noise 0.0%, 1 epoch in" in shown and "no test rows, so no accuracy" in shown
    assert f"clc-text evaluate {run.path} LABELLED_FILE" in shown
    with refused(where=run.path, key="test rows"):
        evaluate_run(run, None)
    assert evaluate_run(run, rows)["rows"] == 40


def test_what_is_there_is_not_lost(tiny_recipe: Path, tiny_run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_run, copy)
    before = sorted(path.relative_to(copy) for path in copy.rglob("*"))
    with refused(where=copy, key="--resume"):
        train(recipe_of(tiny_recipe), copy)
    with refused(where=copy, key="canaries"):
        train(recipe_of(tiny_recipe, "name=tiny"), copy, resume=True)
    with refused(where=copy, key="epochs"):
        train(recipe_of(tiny_recipe, "canaries=0.02", "training.epochs=9"), copy, resume=True)
    with refused(key="class_weights"):
        train(recipe_of(tiny_recipe, "training.class_weights=[1.0]"), copy, overwrite=True)
    assert sorted(path.relative_to(copy) for path in copy.rglob("*")) == before

    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("years of work")
    for how in ({"overwrite": True}, {"resume": True}, {}):
        with refused(where=foreign, key="--out"):
            train(recipe_of(tiny_recipe), foreign, **how)
    assert (foreign / "thesis.tex").read_text() == "years of work"
    shutil.copy(tiny_recipe, foreign / "recipe.yaml")  # a person's own recipe makes no run of it
    for how in ({"overwrite": True}, {"resume": True}, {}):
        with refused(where=foreign, key="--out"):
            train(recipe_of(foreign / "recipe.yaml"), foreign, **how)
    assert sorted(path.name for path in foreign.iterdir()) == ["recipe.yaml", "thesis.tex"]


def test_overwriting_empties_what_the_run_wrote_and_nothing_else(
    tiny_recipe: Path, tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_run, copy)
    (copy / "notes.txt").write_text("mine")
    for written in ("corrected", ".corrected.0a1b2c3d.old", ".notes.txt.0a1b2c3d.part"):
        (copy / written).mkdir()
    (copy / ".result.json.0a1b2c3d.part").touch()  # a writer was killed
    (tmp_path / "link").symlink_to(copy)
    train(recipe_of(tiny_recipe), tmp_path / "link", overwrite=True)
    assert (copy / "notes.txt").read_text() == "mine"
    assert not (copy / "corrected").exists() and RunDirectory(copy).complete
    assert sorted(path.name for path in copy.glob(".*")) == [".notes.txt.0a1b2c3d.part", LOCK]
    monkeypatch.chdir(copy)
    train(recipe_of(tiny_recipe), Path("."), overwrite=True)
    assert (copy / "notes.txt").read_text() == "mine" and RunDirectory(copy).complete


def test_a_run_s_own_rows_are_not_removed_to_be_trained_on(tiny_run: Path, tiny_recipe: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_run, copy)
    rows = copy / "data" / "train.parquet"
    recipe = recipe_of(tiny_recipe, "data.name=files", f"data.train={rows}", "data.text=text", "data.label=label")
    with refused(key="data.train"):
        train(recipe, copy, overwrite=True)
    assert rows.is_file()


def test_changed_data_cannot_be_resumed(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    texts = [f"{'row ' * i}{'left' if i % 2 else 'right'}" for i in range(40)]
    rows.write_text("text,label\n" + "".join(f"{text},{i % 2}\n" for i, text in enumerate(texts)))
    recipe = tmp_path / "own.yaml"
    recipe.write_text(
        f"data: {{name: files, train: {rows}}}\nencoder: {{name: word_vectors, vectors: train}}\n"
        "network: {hidden: [8]}\ntraining: {epochs: 3, batch_size: 20, checkpoint_epochs: 1, device: cpu}\n"
    )
    with pytest.raises(Interruption):
        train(load(recipe), tmp_path / "run", observer=StopAfter(2))
    rows.write_text(rows.read_text().replace(f"\n{texts[7]},1", f"\n{texts[7]},0"))
    with refused(where=tmp_path / "run", key="labels"):
        train(load(recipe), tmp_path / "run", resume=True)
