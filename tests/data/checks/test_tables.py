"""`clc-text data check` as people see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clc_text.cli import app


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    long = "my screen stays black after the update of last night, what can I do about it"
    rows = [(long, "Mac"), (f"{long}?", "tea"), (" ", "Mac"), ("a mouse", "mac "), ("a tea pot", "tea")]
    lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
    Path("rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    Path("my recipe.yaml").write_text(
        "name: r\ndata: {name: files, train: rows.jsonl}\nencoder: {name: word_vectors, vectors: train}\n",
        encoding="utf-8",
    )
    return Path("my recipe.yaml")


def said(*arguments: object) -> str:
    found = CliRunner().invoke(app, ["data", "check", *map(str, arguments)])
    assert found.exit_code == 0, found.output
    return found.output


def test_tables_and_what_to_do(recipe: Path) -> None:
    shown = said(recipe)
    assert "{" not in shown and "None" not in shown and "['" not in shown, "nothing of Python"
    assert "rows: 5 rows, 3 classes, no test rows" in shown
    assert '  label_map:\n    "mac ": "Mac"\n' in shown
    assert "line of the file 3" in shown and "┃ line of the file ┃ label ┃" in shown, "as the file counts them"
    assert "│ nearly equal to an earlier text" in shown and "nearly equal texts with several labels" in shown
    assert "test texts" not in shown, "there are no test rows"
    assert "next: add the label_map, then clc-text data check 'my recipe.yaml'" in shown


def test_next_is_the_noise_with_the_same_changes(recipe: Path) -> None:
    joined = "data.label_map={'mac ': Mac}"
    shown = said(recipe, "--set", joined)
    assert "label_map" not in shown.split("next:")[0]
    assert "next: clc-text noise estimate 'my recipe.yaml' --set 'data.label_map={'\"'\"'mac '\"'\"': Mac}'" in shown


def test_json_stays_for_machines(recipe: Path) -> None:
    found = json.loads(said(recipe, "--json"))
    assert found["near_copies"]["conflicting"] == 2 and found["empty_rows"] == [2]
    assert found["numbers_in_file"] == {"counts": "line", "of": {"0": 1, "1": 2, "2": 3}}
    assert found["label_variants"] == [{"Mac": 2, "mac ": 1}]


def test_of_many_classes_the_largest_and_the_smallest_are_listed(recipe: Path) -> None:
    rows = [
        {"text": f"text {place} of {name}", "label": f"c{name}"} for name in range(60) for place in range(name + 1)
    ]
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    shown = said(recipe).split("lengths")[0]
    assert "│ … 25 more …" in shown and "│ c59 " in shown and "│ c0 " in shown and "│ c20 " not in shown
