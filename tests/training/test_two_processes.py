"""Two processes (gloo) train one model: replicas stay equal, and what they saw of the rows is one dynamics."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import two_processes
from accelerate.state import AcceleratorState
from forked import Forked
from safetensors.torch import load_file
from small_training import CLASSES, peers_model, rows
from torch import Tensor

from clc_text.artifacts.dynamics import epochs_in, read_epoch
from clc_text.training.distributed import load_to_numbered_cpus

HERE = Path(__file__).resolve().parent
ROWS, STEPS = 51, 4  # 51 rows in two shares of 8: four steps an epoch, 13 rows repeated to fill the last two batches


LAUNCHERS = {
    "torchrun": ["-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"],
    "accelerate": [
        "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--num_machines=1",
        "--mixed_precision=no", "--dynamo_backend=no", "--num_cpu_threads_per_process=1", "--main_process_port=0",
    ],
}  # fmt: skip


def launch(launcher: str, folder: Path, *arguments: str) -> list[dict[str, Tensor]]:
    """What the two processes leave in the end, as a user starts them."""
    path = os.pathsep.join([str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path, "ACCELERATE_USE_CPU": "1"}
    ended = subprocess.run(
        [sys.executable, *LAUNCHERS[launcher], str(HERE / "two_processes.py"), str(folder), *arguments],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    return left_in(folder)


def left_in(folder: Path) -> list[dict[str, Tensor]]:
    return [load_file(folder / f"process-{rank}.safetensors") for rank in (0, 1)]


def one_of_two(rank: int, folder: Path, *arguments: str) -> None:
    """The script in a process forked from one that was alone, told what a launcher tells."""
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2"}
    os.environ["ACCELERATE_USE_CPU"] = "1"
    AcceleratorState._reset_state(reset_partial_state=True)
    torch.distributed.init_process_group("gloo", f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    two_processes.main(str(folder), *arguments)


def both(folder: Path, *arguments: str) -> list[dict[str, Tensor]]:
    """What the two processes leave in the end, in a second."""
    folder.mkdir(exist_ok=True)
    (folder / "meeting").unlink(missing_ok=True)
    processes = [Forked(folder / f"printed-{rank}", one_of_two, rank, folder, *arguments) for rank in (0, 1)]
    for process in processes:
        process.printed()
    return left_in(folder)


def check_equal(one: dict[str, Tensor], other: dict[str, Tensor], *prefixes: str) -> None:
    for name, value in one.items():
        if name.startswith(prefixes):
            assert torch.equal(other[name], value), name


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Tensor]]]:
    folder = tmp_path_factory.mktemp("clc")
    return folder, both(folder, "clc", "rows")


def test_replicas_stay_equal(trained: tuple[Path, list[dict[str, Tensor]]]) -> None:
    first, second = trained[1]
    check_equal(first, second, "model.", "memory.", "log_probs", "accuracy")
    assert "losses" in first and "losses" not in second  # epochs are told once
    started = peers_model().state_dict()
    assert not any(torch.equal(first[f"model.{name}"], value) for name, value in started.items())


def test_the_dynamics_holds_every_row(trained: tuple[Path, list[dict[str, Tensor]]]) -> None:
    folder, (first, _) = trained
    assert epochs_in(folder / "dynamics") == [1, 2, 3]
    warm_up, last = (read_epoch(folder / "dynamics" / f"epoch-000{epoch}.parquet") for epoch in (1, 3))
    assert warm_up.seen.all() and last.seen.all()
    assert torch.equal(warm_up.target, rows(ROWS).labels.expand(2, ROWS))
    assert (warm_up.confidence > 0).all()
    assert torch.equal(last.prediction, first["record.prediction"])
    assert 0 < int(last.selected.sum()) < 2 * ROWS


def test_predictions_of_all_processes_are_in_the_order_of_the_rows(
    trained: tuple[Path, list[dict[str, Tensor]]],
) -> None:
    state = {name.removeprefix("model."): value for name, value in trained[1][0].items() if name.startswith("model.")}
    model = peers_model()
    model.load_state_dict(state)
    literal = model.eval()(rows(ROWS).inputs["features"]).peer_logits.log_softmax(-1).detach()
    torch.testing.assert_close(trained[1][0]["log_probs"], literal)
    test = rows(21, seed=2)
    literal = model(test.inputs["features"]).peer_logits.softmax(-1).detach()
    torch.testing.assert_close(trained[1][0]["test_log_probs"].exp(), literal)
    right = (literal.mean(0).argmax(-1) == test.labels).double().mean()
    assert float(trained[1][0]["accuracy"]) == pytest.approx(float(right))


def test_the_threshold_is_the_mean_over_the_rows_of_all_processes(tmp_path: Path) -> None:
    """Stopped after the warm-up's last step and resumed, so that the networks behind Γ can be had."""
    first, _ = both(tmp_path, "clc", "rows", str(STEPS))
    log_probs = first["log_probs"]
    assert log_probs.shape == (2, ROWS, CLASSES)
    assert not any(name.startswith("memory.") for name in first)
    resumed, _ = both(tmp_path, "clc", "rows", "resume")
    torch.testing.assert_close(resumed["memory.threshold"], -(log_probs.exp() * log_probs).sum(-1).mean(-1))


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("elr", "rows"),
        ("clc", "dataset"),
        ("dividemix", "rows"),
        pytest.param("clc_auto", "rows", marks=pytest.mark.slow),
    ],
)
def test_resume_in_the_middle_of_an_epoch_is_exact(tmp_path: Path, method: str, kind: str) -> None:
    whole = both(tmp_path / "whole", method, kind)
    check_equal(*whole, "model.", "memory.", "log_probs")
    both(tmp_path / "cut", method, kind, str(STEPS + 2))
    resumed = both(tmp_path / "cut", method, kind, "resume")
    check_equal(whole[0], resumed[0], "model.", "memory.", "log_probs", "record.")
    assert torch.equal(whole[0]["losses"][1:], resumed[0]["losses"])


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_launched_they_do_the_same(
    launcher: str, trained: tuple[Path, list[dict[str, Tensor]]], tmp_path: Path
) -> None:
    launched = launch(launcher, tmp_path, "clc", "rows")
    check_equal(trained[1][0], launched[0], "model.", "memory.", "record.", "losses")


def test_what_was_saved_is_loaded_onto_a_cpu_with_a_number(tmp_path: Path) -> None:
    """accelerate gives it one where there are several processes, and older versions of Trainer pass that on."""
    load_to_numbered_cpus()
    saved = {"state": torch.arange(3.0)}
    torch.save(saved, tmp_path / "optimizer.pt")
    found = torch.load(tmp_path / "optimizer.pt", map_location=torch.device("cpu", 0), weights_only=True)
    assert torch.equal(found["state"], saved["state"]) and found["state"].device == torch.device("cpu")
