"""The interval over test rows against a literal bootstrap, and how often it holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from clc_text.analysis.compare import compare_runs
from clc_text.analysis.sweep_table import read_table
from clc_text.analysis.tables.compare_text import as_csv, as_json, as_markdown
from clc_text.analysis.tables.sweep_table_text import leads
from clc_text.analysis.test_rows import DRAWS, hits, row_interval
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.utils.files import write_json


def test_against_a_literal_bootstrap() -> None:
    generator = np.random.default_rng(3)
    one, other = generator.random(40), generator.random(40)
    found = row_interval(one, other, seed=5)
    drawn = np.random.default_rng(5).integers(0, 40, (DRAWS, 40))
    means = [sum(100 * (one[row] - other[row]) for row in rows) / 40 for rows in drawn]
    assert found.difference == pytest.approx(100 * float(np.mean(one - other)))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    assert found.rows == 40


def test_it_holds_the_true_difference_in_about_95_of_100_tests() -> None:
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(300):
        both = generator.random((2, 200))
        found = row_interval(both[0] < 0.8, both[1] < 0.75)
        held += found.low <= 5 <= found.high
    assert 0.91 <= held / 300 <= 0.985


@pytest.mark.parametrize("of", ["peers", "ensemble"])
def test_hits_row_by_row(tiny_run: Path, of: str) -> None:
    run = RunDirectory(tiny_run)
    log_probs, labels = run.log_probs("test"), run.data("test")[run.environment()["label_column"]]
    expected = []
    for row, label in enumerate(labels):
        if of == "peers":
            right = [float(np.argmax(peer[row]) == label) for peer in log_probs]
            expected.append(sum(right) / len(right))
        else:
            expected.append(float(np.argmax(np.exp(log_probs[:, row]).sum(0)) == label))
    found = hits([run, run], of)
    assert found is not None
    assert found[0].tolist() == pytest.approx(expected) and found[1].tolist() == list(labels)


def test_a_comparison_shows_it_where_the_rows_are_the_same(tiny_run: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_run, tmp_path / "other")
    recipe = (other / "recipe.yaml").read_text()
    (other / "recipe.yaml").write_text(recipe.replace("learning_rate: ", "learning_rate: 1"))
    environment = json.loads((other / "environment.json").read_text())
    write_json(other / "environment.json", environment | {"run_id": "f" * 16})
    log_probs = {split: RunDirectory(other).log_probs(split) for split in ("train", "test")}
    log_probs["test"] = np.ascontiguousarray(np.roll(log_probs["test"], 1, axis=-1))
    save_file(log_probs, other / "predictions.safetensors")
    found = compare_runs([RunDirectory(tiny_run), RunDirectory(other)])
    assert len(found.lines) == 2
    difference = found.lines[1].over_rows
    one, two = hits([RunDirectory(tiny_run)], "peers"), hits([RunDirectory(other)], "peers")
    assert one is not None and two is not None and difference is not None
    assert abs(difference.difference) == pytest.approx(100 * abs(float(np.mean(one[0]) - np.mean(two[0]))))
    assert f"{difference.difference:+.1f} ({difference.low:+.1f} to {difference.high:+.1f})" in as_markdown(found)
    assert f"{difference.rows:,} test rows" in as_markdown(found)
    assert json.loads(as_json(found))["groups"][1]["over_rows"]["rows"] == difference.rows
    assert str(difference.low) in as_csv(found)
    (other / "predictions.safetensors").unlink()
    assert compare_runs([RunDirectory(tiny_run), RunDirectory(other)]).lines[1].over_rows is None


def test_a_sweep_s_table_has_it_too_though_its_cells_keep_no_rows(tiny_run: Path, tmp_path: Path) -> None:
    for place, variant in enumerate(("one", "other")):
        cell = shutil.copytree(tiny_run, tmp_path / "tiny" / variant / "seed-0")
        shutil.rmtree(cell / "data")
        run = RunDirectory(cell)
        tensors = {split: run.log_probs(split) for split in ("train", "test")} | {"test_labels": run.test_labels()}
        tensors["test"] = np.ascontiguousarray(np.roll(tensors["test"], place, axis=-1))
        save_file(tensors, cell / "predictions.safetensors")
    (tmp_path / "sweep.yaml").write_text("recipes: [tiny.yaml]\nvariants: {one: {}, other: {}}\n")
    table = read_table(tmp_path)
    lead = table.lead("tiny", "one")
    one, other = (hits([RunDirectory(tmp_path / "tiny" / name / "seed-0")], "peers") for name in ("one", "other"))
    assert lead is not None and one is not None and other is not None
    assert lead.over_rows == row_interval(one[0], other[0])
    assert one[1].tolist() == RunDirectory(tiny_run).data("test")[RunDirectory(tiny_run).environment()["label_column"]]
    found = lead.over_rows
    [sentence] = leads(table, "one")
    assert f"over the {found.rows:,} test rows, last epoch: {found.difference:+.1f}, 95 % {found.low:+.1f}" in sentence
    cell = tmp_path / "tiny" / "other" / "seed-0"
    save_file({"test": RunDirectory(cell).log_probs("test")}, cell / "predictions.safetensors")  # as they were before
    assert read_table(tmp_path).lead("tiny", "one").over_rows is None
    assert "test rows, last epoch" not in leads(read_table(tmp_path), "one")[0]
