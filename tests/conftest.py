"""One thread, no network, real data where it is there."""

from __future__ import annotations

import atexit
import functools
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("MPLBACKEND", "Agg")
if "CLC_TEXT_CACHE" not in os.environ:  # not the user's own; of tests in parallel, the first process makes one for all
    os.environ["CLC_TEXT_CACHE"] = tempfile.mkdtemp(prefix="clc-text-tests-")
    atexit.register(shutil.rmtree, os.environ["CLC_TEXT_CACHE"], ignore_errors=True)

import pytest
import typer.main
import typer.testing

# A quarter of the time of collecting the tests would go into looking through what is imported, which all stays.
gc.disable()
# Each call of the command line builds all its commands anew, a twentieth of a second of thousands of tests.
typer.main.get_command = typer.testing._get_command = functools.cache(typer.main.get_command)
# Nothing here has to outlive the machine; thousands of files would each wait for the disk.
os.fsync = lambda descriptor: None


def _drawn(questions: Callable[..., Iterator[Any]], *which: int) -> tuple[Any, ...]:
    return tuple(questions(*which))


def pytest_collection_finish() -> None:
    """Every training collects garbage, a third of a second where all that was imported is looked through each time."""
    import torch  # not at the top: the process that hands out tests in parallel needs none

    from clc_text.text.datasets.grammar import generate

    torch.set_num_threads(1)
    generate.questions = functools.cache(functools.partial(_drawn, generate.questions))  # of hundreds of runs the same
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> None:
    """What earlier modules have imported is looked through no more."""
    gc.collect()
    gc.freeze()


ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def recipes() -> Path:
    return ROOT / "recipes"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real datasets; tests that need it skip without."""
    folder = os.environ.get("CLC_TEXT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("CLC_TEXT_DATA names no folder of real datasets")
    return Path(folder)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's pictures are made and not drawn, which takes most of the time of a report: tests/report draws them."""
    monkeypatch.setattr("clc_text.report.pictures.as_bytes", lambda figure, kind: b"<svg/>")


TINY = """
data: {name: quickstart, rows: 400, test_rows: 100}
noise: {name: symmetric, rate: 0.3}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}
network: {name: mlp, hidden: [24, 16], dropout: 0.1}
method: {name: clc, warmup_epochs: 2}
training: {epochs: 5, batch_size: 64, learning_rate: 2.0e-3, checkpoint_epochs: 1, device: cpu}
"""


@pytest.fixture
def tiny_recipe(tmp_path: Path) -> Path:
    """A recipe that trains in about a second."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run directory of `TINY`, with canaries; read it, never change it (copy it first)."""
    from clc_text.config.recipe import loads
    from clc_text.runs.run import train

    directory = tmp_path_factory.mktemp("tiny") / "run"
    train(loads(TINY, overrides=["canaries=0.02", "name=tiny"]), directory)
    return directory


@pytest.fixture
def rows_of_folds(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The numbers of the rows of each batch that cross-fitting's networks learn."""
    from clc_text.methods.fold_forward import FoldForward

    seen: list[list[int]] = []
    supervise = FoldForward.supervise

    def watched(self: FoldForward, log_probs: Any, labels: Any, state: Any) -> Any:
        seen.append(state.rows.tolist())
        return supervise(self, log_probs, labels, state)

    monkeypatch.setattr(FoldForward, "supervise", watched)
    return seen
