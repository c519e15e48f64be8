"""Labels that are distributions over the classes: read, learnt and corrected; and what is wrong in them is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from refusals import refused

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import loads
from clc_text.corrections.audit import judge
from clc_text.corrections.correct import correct
from clc_text.corrections.existing import corrected_in
from clc_text.corrections.policy import policy_named
from clc_text.data.columns import JOINED
from clc_text.errors import InputError
from clc_text.runs.evidence import judges_of_run
from clc_text.runs.prepare import prepare
from clc_text.runs.reload import source_rows
from clc_text.runs.run import train
from clc_text.text.datasets.files import Files

SHARES = [[0.7, 0.3, 0.0], [0.0, 1.0, 0.0], [0.2, 0.2, 0.6], [0.5, 0.5, 0.0]]
NAMES = ["money", "music", "sport"]


def objects(folder: Path, rows: list[Any] | None = None) -> Files:
    said = rows or [{name: share for name, share in zip(NAMES, row, strict=True) if share} for row in SHARES]
    lines = [json.dumps({"text": f"text {number}", "label": label}) for number, label in enumerate(said)]
    (folder / "objects.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return Files(train=str(folder / "objects.jsonl"))


def lists(folder: Path, rows: Any = SHARES, kind: Any = None, **more: Any) -> Files:
    column = pa.array(rows, kind or pa.list_(pa.float32()))
    table = pa.table({"text": [f"text {number}" for number in range(len(rows))], "label": column})
    pq.write_table(table, folder / "lists.parquet")
    return Files(train=str(folder / "lists.parquet"), **({"label_names": NAMES} | more))


def test_objects_and_lists_say_the_same(tmp_path: Path) -> None:
    found = [
        objects(tmp_path).load(0),
        lists(tmp_path).load(0),
        lists(tmp_path, kind=pa.list_(pa.float64(), 3)).load(0),
    ]
    for task in found:
        assert task.label_names == NAMES and task.label_column == JOINED
        assert task.given_labels.tolist() == [0, 1, 2, 0]
        assert task.distribution is not None and task.votes is None
        np.testing.assert_allclose(task.distribution, SHARES, atol=1e-6)
        assert "label" in task.train.column_names


def test_names_may_be_joined_and_ordered(tmp_path: Path) -> None:
    files = objects(tmp_path)
    task = Files(train=files.train, label_names=["sport", "money"], label_map={"music": "money"}).load(0)
    assert task.distribution is not None
    np.testing.assert_allclose(task.distribution, [[0, 1], [0, 1], [0.6, 0.4], [0, 1]], atol=1e-6)


def test_one_class_each_is_no_distribution(tmp_path: Path) -> None:
    task = objects(tmp_path, [{"a": 1}, {"b": 1}, {"a": 1, "b": 0}]).load(0)
    assert task.distribution is None and task.given_labels.tolist() == [0, 1, 0]


def test_rows_without_one_are_left_out_where_that_is_wanted(tmp_path: Path) -> None:
    rows = [*SHARES[:2], None, *SHARES[2:]]
    with refused(row=3):
        lists(tmp_path, rows).load(0)
    task = lists(tmp_path, rows, unlabelled="drop").load(0)
    assert task.distribution is not None
    np.testing.assert_allclose(task.distribution, SHARES, atol=1e-6)


def test_held_out_rows_take_theirs_with_them(tmp_path: Path) -> None:
    rows = [[0.6, 0.3, 0.1], [0.1, 0.8, 0.1]] * 10
    task = lists(tmp_path, rows, label_names=NAMES, test_share=0.3).load(0)
    assert task.distribution is not None and len(task.distribution) == len(task.train) == 14
    assert (task.distribution.argmax(1) == task.given_labels).all()


@pytest.mark.parametrize(
    ("rows", "more", "row"),
    [
        ([[0.5, 0.6, 0.0], *SHARES[1:]], {}, 1),
        ([*SHARES[:2], [1.5, -0.5, 0.0], SHARES[3]], {}, 3),
        ([SHARES[0], [0.5, float("nan"), 0.5], *SHARES[2:]], {}, 2),
        ([SHARES[0], [0.5, 0.5], *SHARES[2:]], {}, 2),
        (SHARES, {"label_names": NAMES[:2]}, 1),
    ],
)
def test_what_is_no_distribution_is_named(rows: Any, more: dict[str, Any], row: int, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        lists(tmp_path, rows, **more).load(0)
    assert (caught.value.row, caught.value.key) == (row, "label")
    assert f"row {row}" in str(caught.value) or f"rows {row}," in str(caught.value)


def test_what_no_distribution_is_told_in(tmp_path: Path) -> None:
    with refused(where=tmp_path / "lists.parquet", key="label", row=1):
        lists(tmp_path, [[0.5, 0.6, 0.0], *SHARES[1:]]).load(0)
    with refused(where=tmp_path / "lists.parquet", key="label"):
        lists(tmp_path, label_names=None).load(0)


def test_a_class_that_is_not_listed_is_named(tmp_path: Path) -> None:
    with refused(where=tmp_path / "objects.jsonl", key="data.label_names"):
        Files(train=objects(tmp_path).train, label_names=["money", "sport"]).load(0)


RECIPE = """
data: {{name: files, train: {path}, true_label: true}}
encoder: {{name: tfidf, dimension: 20, word_vectors: 0}}
network: {{name: mlp, hidden: [16]}}
method: {{name: {method}}}
training: {{epochs: 6, batch_size: 16, learning_rate: 3.0e-3}}
"""
WORDS = {"money": "bank stock price tax loan", "sport": "goal match team ball win"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 rows whose class the words tell; their distributions are unsure, and a third of them wrong."""
    random, names = np.random.default_rng(0), list(WORDS)
    lines = []
    for row in range(160):
        true = row % 2
        likely = 1 - true if row // 2 % 3 == 0 else true
        sure = 0.55 if likely != true else 0.75 + 0.2 * random.random()
        label = {names[likely]: sure, names[1 - likely]: 1 - sure}
        text = " ".join(random.choice(WORDS[names[true]].split(), 4)) + f" {row}"
        lines.append(json.dumps({"text": text, "label": label, "true": names[true]}))
    path = tmp_path_factory.mktemp("soft") / "soft.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_run_finds_what_is_wrong_in_them(table: Path, tmp_path: Path) -> None:
    run = train(loads(RECIPE.format(path=table, method="clc_auto")), tmp_path / "run")
    labels = run.labels()
    assert labels.distribution is not None and labels.true is not None
    assert 0.6 < (labels.given == labels.true).mean() < 0.7
    judges = judges_of_run(run, policy_named("default"))
    correct(run, judges.policy, judges.predictions, source_rows(run))
    truth = judge(corrected_in(run.path), 0)["truth"]
    assert truth["right_after"]["value"] > truth["right_before"]["value"] + 0.2
    again = train(loads(RECIPE.format(path=table, method="clc_auto")), tmp_path / "run", resume=True)
    assert again.complete and RunDirectory(tmp_path / "run").run_id == run.run_id


def test_what_needs_one_class_a_row_is_refused(table: Path) -> None:
    for more, key in (("canaries: 0.05", "canaries"), ("noise: {name: symmetric, rate: 0.2}", "noise")):
        with refused(key=key):
            prepare(loads(RECIPE.format(path=table, method="standard") + more + "\n"))
