"""Runs, recipes and results of earlier versions are read by today's names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from refusals import refused

from clc_text.artifacts.dynamics import TrainingDynamics
from clc_text.artifacts.names import EARLIER, EARLIER_KEYS, current, located
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import loads
from clc_text.corrections.policy import policy_named
from clc_text.methods.base import Supervision
from clc_text.utils.files import write_json

RECIPE = "data: {name: quickstart}\nmethod: standard\n"


@pytest.mark.parametrize("name", EARLIER)
def test_a_run_goes_on_with_the_name_that_it_was_made_with(tmp_path: Path, name: str) -> None:
    assert located(tmp_path, name) == tmp_path / name
    (tmp_path / EARLIER[name]).mkdir(parents=True)
    assert located(tmp_path, name) == tmp_path / EARLIER[name]
    (tmp_path / name).mkdir()
    assert located(tmp_path, name) == tmp_path / name


def test_a_run_of_an_earlier_version_is_read(make_run) -> None:
    run = make_run(epochs=3)
    manifest, epochs = run.noise_manifest(), run.dynamics_epochs()
    for name, earlier in EARLIER.items():
        if run.file(name).exists():
            shutil.move(run.file(name), run.path / earlier)
    again = RunDirectory(run.path)
    assert again.noise_manifest() == manifest
    assert again.dynamics_epochs() == epochs == [1, 2, 3]
    assert again.dynamics(3).target.equal(run.dynamics(3).target)
    assert not (run.path / "dynamics").exists()


def test_earlier_keys_are_todays() -> None:
    found = {"guards": ["collapse"], "train": {"taught_right": 0.5, "rows": 3}, "other": {"guards": 1}}
    assert current(found) == {
        "warnings": ["collapse"], "train": {"target_right": 0.5, "rows": 3}, "other": {"guards": 1},
    }  # fmt: skip
    assert not EARLIER_KEYS.keys() & set(EARLIER_KEYS.values())


def test_earlier_recipe_keys_and_the_policy() -> None:
    recipe = loads(RECIPE + "guard: recover\ntraining: {ledger_epochs: 5}\n")
    same = loads(RECIPE + "monitor: recover\ntraining: {dynamics_epochs: 5}\n")
    assert recipe == same and recipe.fingerprint() == same.fingerprint()
    overridden = loads(RECIPE, overrides=["guard=off", "training.ledger_epochs=7"])
    assert (overridden.monitor, overridden.training.dynamics_epochs) == ("off", 7)
    with refused(where="recipe:3", key="guard"):
        loads(RECIPE + "guard: recover\nmonitor: warn\n")
    assert policy_named("taught") == policy_named("targets")


def test_an_earlier_result_is_read(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    found = dict(RunDirectory(run).result())
    train = dict(found["train"])
    right = train.pop("target_right")
    named = found.pop("warnings")
    write_json(run / "result.json", found | {"guards": named, "train": train | {"taught_right": right}})
    again = RunDirectory(run).result()
    assert again["warnings"] == named and again["train"]["target_right"] == right


def test_an_epoch_of_an_earlier_version_is_read(make_run) -> None:
    run = make_run(epochs=2)
    notice = {"name": "warm-up ended", "message": "it ended", "severity": "note"}
    run.file("metrics.jsonl").write_text(json.dumps({"epoch": 1, "notes": [notice]}) + "\n")
    assert run.metrics() == [{"epoch": 1, "notices": [notice]}]


def test_the_epoch_under_way_of_an_earlier_checkpoint_goes_on() -> None:
    begun = TrainingDynamics(3, 2)
    begun.observe(torch.tensor([1]), torch.tensor([[[-0.5, -1.0]], [[-2.0, -0.2]]]), supervision(torch.ones(2, 1, 2)))
    state = {name.replace("dynamics.", "ledger."): values for name, values in begun.state_dict().items()}
    again = TrainingDynamics(3, 2)
    again.load_state_dict(state)
    assert all(values.equal(begun.state_dict()[name]) for name, values in again.state_dict().items())
    assert again.close_epoch(1).seen.tolist() == [False, True, False]


def supervision(targets: torch.Tensor) -> Supervision:
    weights = torch.ones(targets.shape[:2])
    return Supervision(weights, weights, targets, weights.bool())
