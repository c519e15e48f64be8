"""A run that was killed, or whose files were changed since, goes on as if nothing had been, or says the way out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from refusals import refused
from safetensors.numpy import load_file, save_file
from test_run import Interruption, StopAfter, recipe_of, same_run

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_lock import LOCK, alone_in
from clc_text.errors import InputError
from clc_text.runs.run import train
from clc_text.utils.leftovers import aside_of

RECIPE = """
data: {name: quickstart, rows: 128, test_rows: 32}
noise: {name: symmetric, rate: 0.3}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}
network: {name: mlp, hidden: [24, 16], dropout: 0.1}
method: {name: clc, warmup_epochs: 1}
training: {epochs: 3, batch_size: 64, learning_rate: 2.0e-3, checkpoint_epochs: 1, device: cpu}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A whole run, and one of the same recipe that was cut after its second epoch's checkpoint."""
    folder = tmp_path_factory.mktemp("resume")
    (folder / "tiny.yaml").write_text(RECIPE)
    recipe = recipe_of(folder / "tiny.yaml")
    train(recipe, folder / "whole")
    with pytest.raises(Interruption):
        train(recipe, folder / "cut", observer=StopAfter(3))
    return {"whole": folder / "whole", "cut": folder / "cut", "recipe": folder / "tiny.yaml"}


@pytest.fixture
def cut(runs: dict[str, Path], tmp_path: Path) -> Path:
    shutil.copytree(runs["cut"], tmp_path / "run")
    return tmp_path / "run"


def go_on(runs: dict[str, Path], run: Path, **how: Any) -> RunDirectory:
    return train(recipe_of(runs["recipe"]), run, **(how or {"resume": True}))


def newest(run: Path) -> Path:
    return max((run / "checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- before the first checkpoint ----


def begun(run: Path, *names: str) -> Path:
    """A folder with some of a run's first files, the last of them half-written."""
    made = run.parent / "begun"
    made.mkdir()
    for name in names:
        target = made / name
        if name == names[-1]:
            target = aside_of(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if (run / name).is_dir():
            shutil.copytree(run / name, target)
        else:
            shutil.copy(run / name, target)
    return made


FIRST = ["environment.json", "recipe.yaml", "noise/manifest.json", "noise/labels.parquet", "data/train.parquet",
         "data/test.parquet", "encoder"]  # fmt: skip


@pytest.mark.parametrize("count", range(len(FIRST) + 1))
def test_whatever_was_written_first_it_goes_on(runs: dict[str, Path], cut: Path, count: int) -> None:
    directory = begun(cut, *FIRST[:count])
    (directory / LOCK).touch()
    if count > 1:  # environment.json is whole
        with refused(where=directory, key="--resume"):
            train(recipe_of(runs["recipe"]), directory)
    go_on(runs, directory, **({"resume": True} if count > 1 or count % 2 else {"overwrite": False}))
    same_run(runs["whole"], directory)
    assert not [path for path in directory.rglob(".*") if path.name != LOCK]


def test_what_overwriting_left_when_it_was_killed(runs: dict[str, Path], cut: Path, tmp_path: Path) -> None:
    """environment.json is that of the run before, and nothing else of it is left."""
    for path in cut.iterdir():
        if path.name != "environment.json":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (cut / "thesis.tex").write_text("mine")
    train(recipe_of(runs["recipe"], "seeds.network=5", "training.epochs=1"), cut, resume=True)
    assert RunDirectory(cut).complete and (cut / "thesis.tex").read_text() == "mine"


def test_a_folder_whose_environment_cannot_be_read_is_left_alone(runs: dict[str, Path], cut: Path) -> None:
    (cut / "environment.json").write_text('{"run_id": ')
    before = content(cut)
    for how in ({"resume": True}, {"overwrite": True}, {"resume": False}):
        with refused(where=cut / "environment.json"):
            go_on(runs, cut, **how)
    assert content(cut) == before


# ---- what a checkpoint vouches for ----


def without(path: Path) -> None:
    path.unlink()


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_byte(path: Path) -> None:
    found = bytearray(path.read_bytes())
    found[len(found) // 2] ^= 1
    path.write_bytes(bytes(found))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


PARTS = ["complete.json", "config.json", "model.safetensors", "method_state.safetensors", "optimizer.pt",
         "scheduler.pt", "rng_state.pth", "trainer_state.json", "training_args.bin"]  # fmt: skip
RUN_S_OWN = ["metrics.jsonl", "dynamics/epoch-0001.parquet"]


@pytest.mark.parametrize("harm", [without, cut_short, emptied])
@pytest.mark.parametrize("name", [*PARTS, *RUN_S_OWN])
def test_what_has_changed_since_is_named_and_nothing_is_done(
    runs: dict[str, Path], cut: Path, name: str, harm: Callable[[Path], None]
) -> None:
    path = (newest(cut) if name in PARTS else cut) / name
    if name == "complete.json" and harm is without:
        return  # as if it had been cut short: the one before is taken, see `test_run`
    harm(path)
    before = content(cut)
    with pytest.raises(InputError) as found:
        go_on(runs, cut)
    assert str(path) in str(found.value) and "bring it back" in str(found.value)
    assert content(cut) == before


@pytest.mark.parametrize("name", [name for name in PARTS if name != "complete.json"])
def test_one_bit_is_enough(runs: dict[str, Path], cut: Path, name: str) -> None:
    other_byte(newest(cut) / name)
    with refused(where=newest(cut) / name, says="has changed"):
        go_on(runs, cut)


@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs_closed", 99), ("epochs_closed", 1), ("epochs_closed", -1), ("step", 1), ("epochs_closed", "2"),
     ("epochs_closed", None), ("files", []), ("dynamics", {"epoch-0001.parquet": 3})],
)  # fmt: skip
@pytest.mark.parametrize("old", [False, True])
def test_what_says_how_far_it_was_must_be_true(
    runs: dict[str, Path], cut: Path, key: str, value: Any, old: bool
) -> None:
    path = newest(cut) / "complete.json"
    facts = json.loads(path.read_text())
    if old:
        facts = {name: facts[name] for name in ("step", "epoch", "epochs_closed")}
    path.write_text(json.dumps(facts | {key: value}))
    with refused(where=path) as caught:
        go_on(runs, cut)
    assert f"`{key}" in str(caught.value)


def test_the_way_out_leads_out(runs: dict[str, Path], cut: Path) -> None:
    cut_short(newest(cut) / "optimizer.pt")
    with refused(where=cut / "checkpoints/checkpoint-4/optimizer.pt"):
        go_on(runs, cut)
    shutil.rmtree(newest(cut))
    go_on(runs, cut)
    same_run(runs["whole"], cut)


@pytest.mark.parametrize("name", RUN_S_OWN)
def test_a_changed_line_or_epoch_is_told_by_its_sha256(runs: dict[str, Path], cut: Path, name: str) -> None:
    path = cut / name
    if name == "metrics.jsonl":
        path.write_text(path.read_text().replace('"loss": ', '"loss": 1', 1))
    else:
        shutil.copy(cut / "dynamics" / "epoch-0002.parquet", path)
    with refused(where=path):
        go_on(runs, cut)


@pytest.fixture
def of_an_earlier_version(cut: Path) -> Iterator[Path]:
    for path in cut.glob("checkpoints/*/complete.json"):
        facts = json.loads(path.read_text())
        path.write_text(json.dumps({name: facts[name] for name in ("step", "epoch", "epochs_closed")}))
    return cut


def test_checkpoints_of_an_earlier_version_are_resumed_with_a_word(
    runs: dict[str, Path], of_an_earlier_version: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers.utils.logging import enable_propagation

    enable_propagation()
    go_on(runs, of_an_earlier_version)
    same_run(runs["whole"], of_an_earlier_version)
    assert "was written by an earlier version" in caplog.text


@pytest.mark.parametrize("name", [name for name in PARTS if name not in ("complete.json", "training_args.bin")])
def test_damage_without_marks_is_one_sentence_all_the_same(
    runs: dict[str, Path], of_an_earlier_version: Path, name: str
) -> None:
    cut_short(newest(of_an_earlier_version) / name)
    if name == "config.json":  # `Trainer` does without it
        return
    folder = newest(of_an_earlier_version)
    with pytest.raises(InputError) as caught:
        go_on(runs, of_an_earlier_version)
    assert caught.value.where in (str(folder), str(folder / name)) and caught.value.where in str(caught.value)


def test_folders_and_files_of_other_names_are_nobody_s(runs: dict[str, Path], cut: Path) -> None:
    last = newest(cut)
    for name in ("checkpoint-abc", "checkpoint-99x"):
        shutil.copytree(last, cut / "checkpoints" / name)
    for name in ("epoch-abcd.parquet", "epoch-1.parquet", "epoch-0009.parquet.bak"):
        (cut / "dynamics" / name).write_text("")
    go_on(runs, cut)
    same_run(runs["whole"], cut)


def test_state_of_other_types_is_named_by_its_key(runs: dict[str, Path], of_an_earlier_version: Path) -> None:
    path = newest(of_an_earlier_version) / "method_state.safetensors"
    tensors = load_file(path)
    save_file(tensors, path, metadata={"facts": json.dumps({"method": "clc", "rows": "many"})})
    with refused(where=path):
        go_on(runs, of_an_earlier_version)


# ---- one at a time ----


@pytest.mark.parametrize("how", [{"resume": True}, {"overwrite": True}])
def test_two_do_not_train_in_one_directory(runs: dict[str, Path], cut: Path, how: dict[str, bool]) -> None:
    before = content(cut)
    with FileLock(cut / LOCK), refused(where=cut):
        go_on(runs, cut, **how)
    assert content(cut) == before
    go_on(runs, cut, **how)
    same_run(runs["whole"], cut)


def test_who_comes_second_to_a_new_directory_is_refused(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one began while this one read its data."""
    from clc_text.runs import run as module

    real = module.build_trainer

    def meanwhile(*arguments: Any, **more: Any) -> Any:
        shutil.copytree(runs["cut"], tmp_path / "run")
        return real(*arguments, **more)

    monkeypatch.setattr(module, "build_trainer", meanwhile)
    with refused(where=tmp_path / "run", key="--resume"):
        go_on(runs, tmp_path / "run", resume=False)
    assert content(tmp_path / "run").keys() - {LOCK} == content(runs["cut"]).keys() - {LOCK}
    with alone_in(tmp_path / "run"):
        pass


# ---- refusals ----


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (["method.name=co_teaching"], "must be told how many labels are wrong"),
        (["method.name=clc_auto", "method.folds=1000"], "cannot be divided into 1000 folds"),
        (["method.name=decouple", "peers=1"], "there is only one"),
        (["method.name=standard"], "in the first epoch"),
    ],
)
def test_a_refusal_leaves_no_trace(
    runs: dict[str, Path],
    cut: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chosen: list[str],
    sentence: str,
) -> None:
    late = "first epoch" in sentence  # such as a loss that is no number: nobody could know

    def refuse(*_: Any) -> None:
        raise InputError("in the first epoch")

    if late:
        monkeypatch.setattr("clc_text.crossfit.trainer.NoisyLabelTrainer.end_epoch", refuse)
    recipe = recipe_of(runs["recipe"], *chosen)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(InputError, match=sentence):
        train(recipe, tmp_path / "new" / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    if late:
        return
    whole = content(cut)
    with pytest.raises(InputError, match=sentence):
        train(recipe, cut, overwrite=True)
    assert content(cut).keys() - {LOCK} == whole.keys() - {LOCK}


def test_a_checkpoint_is_on_the_disk_before_it_is_vouched_for(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    real, flushed = os.fsync, []

    def flush(handle: int) -> None:
        flushed.append(os.path.realpath(f"/proc/self/fd/{handle}"))
        real(handle)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the names of open files are not known here")
    monkeypatch.setattr(os, "fsync", flush)
    run = go_on(runs, tmp_path / "run", resume=False).path
    folder = newest(run)
    marker = max(place for place, path in enumerate(flushed) if Path(path).name.startswith(".complete.json"))
    for path in folder.iterdir():
        if path.name != "complete.json":
            assert str(path) in flushed[:marker], path
    assert str(folder) in flushed[marker:]
    assert torch.load(folder / "optimizer.pt", weights_only=True)
