"""Features computed ahead, by processes and by a Ray cluster: what every command then finds."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest
import torch
from refusals import refused
from tiny_bert import POSITIONS, write_tiny_bert
from typer.testing import CliRunner

from clc_text.cli import app
from clc_text.text.encoders.features import ahead
from clc_text.text.encoders.features.ahead import Task, encode_ahead, vectors_of
from clc_text.text.encoders.features.compute import FrozenModel
from clc_text.text.encoders.sentence import Sentence
from clc_text.utils import workers

WORDS = ["who", "what", "when", "river", "city", "name", "the", "is", "of", "cost"]
TEXTS = [" ".join(WORDS[number % (length + 2) :][:length]) for number in range(12) for length in range(1, 9)]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pieces are computed here, where a new Python would import for many seconds; how many texts each has."""
    sizes: list[int] = []

    def at_once(tasks: list, work: object, jobs: int):  # type: ignore[no-untyped-def, type-arg]
        for name, task in tasks:
            sizes.append(len(task[1]))
            yield name, vectors_of(*task)

    monkeypatch.setattr(ahead, "in_processes", at_once)
    return sizes


def encoder_of(folder: Path) -> Sentence:
    return Sentence(model=str(folder), max_length=POSITIONS, batch_size=4)


def test_what_was_computed_ahead_is_what_training_finds(
    tiny_bert: Path, in_this_process: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ahead, "PIECE", 10)
    encoder, different = encoder_of(tiny_bert), len(set(TEXTS))
    done = encode_ahead(encoder, TEXTS, "local", 2)
    assert (done.texts, done.computed) == (different, different)
    assert in_this_process == [10] * (different // 10) + [different % 10] * bool(different % 10)
    again = encode_ahead(encoder, [*TEXTS, "another city"], "local", 2)
    assert (again.texts, again.computed) == (different + 1, 1)

    def computed_anew(*_: object) -> None:
        raise AssertionError("a text was computed again")

    with monkeypatch.context() as patch:
        patch.setattr(FrozenModel, "vectors", computed_anew)
        found = encoder.fit(TEXTS, [], 0)
        features = found.raw(TEXTS)
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path / "another"))
    torch.testing.assert_close(features, encoder.fit(TEXTS, [], 0).raw(TEXTS))
    assert found.facts["texts_cut_off"] == encoder.fit(TEXTS, [], 0).facts["texts_cut_off"]


def test_a_damaged_file_of_the_cache_is_computed_anew(
    tiny_bert: Path, in_this_process: list[int], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "PIECE", 10)
    encode_ahead(encoder_of(tiny_bert), TEXTS, "local", 1)
    first, second, *_ = sorted(cache.glob("*/*.safetensors"))
    first.write_bytes(first.read_bytes()[:-4])
    second.write_bytes(b"nothing")
    before = len(in_this_process)
    done = encode_ahead(encoder_of(tiny_bert), TEXTS, "local", 1)
    assert 11 <= done.computed <= 20 and sum(in_this_process[before:]) == done.computed
    assert encode_ahead(encoder_of(tiny_bert), TEXTS, "local", 1).computed == 0


def test_a_worker_with_another_model_says_so(tiny_bert: Path, tmp_path: Path) -> None:
    encoder = encoder_of(tiny_bert)
    task = Task(str(tiny_bert), "0" * 64, encoder.how_read(), 4)
    said = vectors_of(task, TEXTS[:2])
    assert isinstance(said, str) and "has other files on" in said
    said = vectors_of(Task(str(tmp_path / "none"), "", encoder.how_read(), 4), TEXTS[:2])
    assert isinstance(said, str) and str(tmp_path / "none") in said


def test_what_a_worker_cannot_is_one_sentence(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "in_processes", lambda tasks, *_: iter([(tasks[0][0], "there is no such model")]))
    with refused(where=tiny_bert, says="there is no such model"):
        encode_ahead(encoder_of(tiny_bert), TEXTS, "local", 1)


def test_a_cache_that_cannot_be_written_is_said(tiny_bert: Path, in_this_process: list[int], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with refused(key="CLC_TEXT_CACHE"):
        encode_ahead(encoder_of(tiny_bert), TEXTS, "local", 1)
    assert len(in_this_process) == 1


def dies(connection: Connection) -> None:
    os._exit(1)


def test_a_process_that_always_dies_is_one_sentence(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_work", dies)
    monkeypatch.setattr(workers.multiprocessing, "get_context", lambda _: Forked())
    with refused(where=tiny_bert, says="died 2 times"):
        encode_ahead(encoder_of(tiny_bert), TEXTS, "local", 1)


class Forked:
    """A context whose processes are there at once."""

    from multiprocessing import get_context

    context = get_context("fork")
    Pipe, Process = context.Pipe, context.Process


def written(folder: Path, model: Path, rows: int = 60) -> Path:
    """A table, and a recipe for it."""
    lines = [f"{TEXTS[row % len(TEXTS)]} {row},{'ab'[row % 2]}" for row in range(rows)]
    (folder / "t.csv").write_text("text,label\n" + "\n".join(lines))
    recipe = folder / "t.yaml"
    recipe.write_text(
        f"data: {{name: files, train: {folder / 't.csv'}, text: text, label: label}}\n"
        f"encoder: {{name: sentence, model: {model}, max_length: {POSITIONS}}}\nmethod: standard\n"
    )
    return recipe


def test_the_command(tiny_bert: Path, tmp_path: Path, in_this_process: list[int], cache: Path) -> None:
    recipe = written(tmp_path, tiny_bert)
    result = CliRunner().invoke(app, ["encode", str(recipe)])
    assert result.exit_code == 0, result.output
    [folder] = cache.iterdir()
    assert result.stdout == f"60 different texts, 60 of them computed now; kept in {folder}\n"
    assert "0 of them computed now" in CliRunner().invoke(app, ["encode", str(recipe)]).stdout
    with refused(key="lokal", says="did you mean 'local'"):
        CliRunner().invoke(app, ["encode", str(recipe), "--engine", "lokal"], catch_exceptions=False)
    with refused(key="encoder.name", says="'tfidf'"):
        CliRunner().invoke(app, ["encode", str(recipe), "--set", "encoder={name: tfidf}"], catch_exceptions=False)
    images = "modality: vision\ndata: {name: cifar10}\nencoder: {name: pixels}\nmethod: standard\n"
    (tmp_path / "images.yaml").write_text(images)
    with refused(key="encoder.name", says="'pixels'"):  # and not that there is no such data here
        CliRunner().invoke(app, ["encode", str(tmp_path / "images.yaml")], catch_exceptions=False)


def test_without_ray_the_command_to_install_it_is_named(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with refused(key="--engine", says="pip install"):
        CliRunner().invoke(
            app, ["encode", str(written(tmp_path, tiny_bert)), "--engine", "ray"], catch_exceptions=False
        )


def command(recipe: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "clc_text", "encode", str(recipe), *more]


@pytest.mark.slow
def test_two_processes_and_one_that_is_ended_in_the_middle(tmp_path: Path, cache: Path) -> None:
    recipe = written(tmp_path, write_tiny_bert(tmp_path / "bert"), 40_000)
    begun = subprocess.Popen(command(recipe, "--jobs", "2"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list(cache.glob("*/*.safetensors")):
        assert begun.poll() is None
        time.sleep(0.05)
    children = psutil.Process(begun.pid).children(recursive=True)
    begun.send_signal(signal.SIGTERM)
    _, said = begun.communicate(timeout=120)
    assert begun.returncode == 130 and said.endswith("clc-text: stopped; the same command goes on\n")
    psutil.wait_procs(children, timeout=60)
    assert not [one for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    ended = subprocess.run(command(recipe, "--jobs", "2"), capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("40,000 different texts, ")
    left = int(ended.stdout.split(", ")[1].split(" ")[0].replace(",", ""))
    assert left < 40_000
    assert " 0 of them computed now" in subprocess.run(command(recipe), capture_output=True, text=True).stdout


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray (extra `ray`) is not installed")
def test_a_local_cluster_of_two_workers(tmp_path: Path, tiny_bert: Path) -> None:
    recipe = written(tmp_path, tiny_bert, 3_000)
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    ended = subprocess.run(
        command(recipe, "--engine", "ray", "--jobs", "2"),
        env=environment | {"RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("3,000 different texts, 3,000 of them computed now")
    assert " 0 of them computed now" in subprocess.run(command(recipe), capture_output=True, text=True).stdout
