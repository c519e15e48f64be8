"""Exports of Label Studio and Argilla with several answers to a text are votes; what was not submitted is none."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refused

from clc_text.data.task import Task
from clc_text.text.datasets.files import Files
from clc_text.text.datasets.guess import guess_columns

SAID: list[dict[str, str]] = [
    {"ann": "pos", "bob": "neg", "llm-1": "pos"},
    {"ann": "neg", "llm-1": "neg"},
    {"bob": "pos"},
    {"ann": "neg", "bob": "neg"},
]


def task(number: int, said: dict[str, str]) -> dict[str, Any]:
    """As Label Studio's JSON has it; `llm-1` predicts, and somebody has skipped the text."""

    def result(label: str) -> list[dict[str, Any]]:
        part = {"start": 0, "end": 3, "choices": ["neg"]}
        return [
            {"from_name": "kind", "to_name": "text", "type": "choices", "value": {"choices": [label]}},
            {"from_name": "span", "to_name": "text", "type": "choices", "value": part},
            {"type": "relation", "from_id": "a", "to_id": "b"},
        ]

    return {
        "id": number + 1,
        "annotations": [
            {"completed_by": {"id": 7, "email": by} if by == "bob" else by, "result": result(label)}
            for by, label in said.items()
            if by != "llm-1"
        ]
        + [{"completed_by": "eve", "was_cancelled": True, "result": result("pos")}],
        "predictions": [{"model_version": by, "result": result(label)} for by, label in said.items() if by == "llm-1"],
        "data": {"text": f"text {number}", "shop": "north"},
    }


def record(number: int, said: dict[str, str]) -> dict[str, Any]:
    """As Argilla's `records.to_json` has it; `llm-1` suggests, and somebody has left a draft."""
    responses = [{"value": label, "user_id": by, "status": "submitted"} for by, label in said.items() if by != "llm-1"]
    return {
        "id": f"r{number}",
        "fields": {"text": f"text {number}"},
        "metadata": {"shop": "north"},
        "suggestions": {"kind": {"value": said["llm-1"], "agent": "llm-1"}} if "llm-1" in said else {},
        "responses": {"kind": [*responses, {"value": "neg", "user_id": "eve", "status": "draft"}]},
    }


def server_record(number: int, said: dict[str, str]) -> dict[str, Any]:
    found = record(number, said)
    found["responses"] = [
        {"values": {"kind": {"value": one["value"]}}, "user_id": one["user_id"], "status": one["status"]}
        for one in found["responses"]["kind"]
    ]
    found["suggestions"] = [{"question_name": name, **one} for name, one in found["suggestions"].items()]
    return found


def flattened(number: int, said: dict[str, str]) -> dict[str, Any]:
    found = record(number, said)
    responses = found["responses"]["kind"]
    columns = {f"kind.responses{end}": [one[key] for one in responses]
               for end, key in (("", "value"), (".users", "user_id"), (".status", "status"))}  # fmt: skip
    suggested = {"kind.suggestion": said.get("llm-1"), "kind.suggestion.agent": "llm-1" if "llm-1" in said else None}
    return {"id": found["id"], "text": f"text {number}", "shop": "north", **columns, **suggested}


MADE = {"label studio": task, "argilla": record, "argilla's server": server_record, "argilla flattened": flattened}


def check(found: Task) -> None:
    assert found.votes is not None and found.votes.sources == ("ann", "bob", "llm-1")
    names = np.array(found.label_names)
    for number, said in enumerate(SAID):
        mine = found.votes.row == number
        here = zip(found.votes.source[mine], found.votes.label[mine], strict=True)
        assert {found.votes.sources[source]: names[label] for source, label in here} == said
    assert found.train["text"][:] == [f"text {number}" for number in range(4)]
    assert set(found.train["shop"]) == {"north"}


@pytest.mark.parametrize("kind", MADE)
def test_an_export_is_votes(kind: str, tmp_path: Path) -> None:
    entries = [MADE[kind](number, said) for number, said in enumerate(SAID)]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(entries))
    guessed = guess_columns(Files(train=str(path)))
    assert (guessed.text, guessed.label, guessed.several, guessed.rows) == ("text", "kind", True, 4)
    check(Files(train=str(path), label="kind").load(0))
    (tmp_path / "export.jsonl").write_text("\n".join(map(json.dumps, entries)))
    check(Files(train=str(tmp_path / "export.jsonl"), label="kind").load(0))
    if kind == "argilla flattened":
        pd.DataFrame(entries).to_parquet(tmp_path / "export.parquet")
        check(Files(train=str(tmp_path / "export.parquet"), label="kind").load(0))


def test_what_is_wrong_in_an_export_is_named(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    entries = [task(number, said) for number, said in enumerate(SAID)]
    several = copy.deepcopy(entries)
    several[1]["annotations"][0]["result"][0]["value"]["choices"] = ["pos", "neg"]
    path.write_text(json.dumps(several))
    with refused(row=2, key="kind"):
        Files(train=str(path), label="kind").load(0)
    twice = copy.deepcopy(entries)
    twice[3]["annotations"][1]["completed_by"] = "ann"
    path.write_text(json.dumps(twice))
    with refused(row=4):
        Files(train=str(path), label="kind").load(0)
    path.write_text(json.dumps([*entries, {"id": 9, "annotations": []}]))
    with refused(row=5):
        Files(train=str(path), label="kind").load(0)
    silent = record(0, SAID[0])
    for one in silent["responses"]["kind"]:
        del one["status"]
    path.write_text(json.dumps([silent, record(1, SAID[1]), record(2, SAID[2])]))
    assert "drafts" in Files(train=str(path), label="kind").load(0).facts["submitted"]


def lines() -> list[dict[str, Any]]:
    """As Label Studio's CSV and JSON-MIN, and crowds', have it."""
    return [
        {"id": number, "text": f"text {number}", "shop": "north", "kind": label, "annotator": by}
        for number, said in enumerate(SAID)
        for by, label in said.items()
    ]


def test_a_label_a_line(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    order = random.permutation(len(lines()))
    frame = pd.DataFrame([lines()[place] for place in order])
    for ending, write in ((".csv", frame.to_csv), (".parquet", frame.to_parquet)):
        path = tmp_path / f"lines{ending}"
        write(path, index=False)
        for option in ({}, {"id": "id"}):
            found = Files(train=str(path), label="kind", annotator="annotator", **option).load(0)
            assert found.votes is not None and found.source_row is not None
            first = frame.drop_duplicates("text")
            start = 2 if ending == ".csv" else 1
            assert found.train["text"][:] == list(first["text"])
            assert found.source_row.tolist() == [place + start for place in first.index]
            for number, text in enumerate(first["text"]):
                said = SAID[int(text.removeprefix("text "))]
                mine = found.votes.row == number
                here = zip(found.votes.source[mine], found.votes.label[mine], strict=True)
                assert {found.votes.sources[s]: found.label_names[label] for s, label in here} == said
    guessed = guess_columns(Files(train=str(path), annotator="annotator"))
    assert (guessed.label, guessed.rows, guessed.several) == ("kind", 4, True)
    hint = guess_columns(Files(train=str(path)))
    assert not hint.several and "--annotator annotator" in hint.said[-1]


def test_lines_that_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    pd.DataFrame([*lines(), lines()[0]]).to_csv(path, index=False)
    with refused(where=path, key="data.id", row=2):
        Files(train=str(path), label="kind", annotator="annotator").load(0)
    pd.DataFrame([{**lines()[0], "annotator": " "}, *lines()[1:]]).to_csv(path, index=False)
    with refused(where=path, key="annotator", row=2):
        Files(train=str(path), label="kind", annotator="annotator").load(0)
    with refused(key="data.annotator"):
        Files(train=str(path), label=["kind", "shop"], annotator="annotator")
    with refused(key="data.annotator"):
        Files(train=str(path), annotator="annotator", votes="votes.csv")


def test_probabilities_are_votes(tmp_path: Path) -> None:
    shares = [{"pos": 0.7, "neg": 0.3}, None, {"pos": 0.2, "neg": 0.8}, {"pos": 1.0, "neg": 0.0}]
    columns = {"text": [f"text {n}" for n in range(4)], "ann": ["pos", "neg", "neg", None]}
    pd.DataFrame({**columns, "llm": shares}).to_parquet(tmp_path / "t.parquet")
    written = ["" if one is None else json.dumps(one) for one in shares]
    pd.DataFrame({**columns, "llm": written}).to_csv(tmp_path / "t.csv", index=False)
    for name in ("t.parquet", "t.csv"):
        found = Files(train=str(tmp_path / name), label=["ann", "llm"]).load(0)
        assert found.votes is not None and found.label_names == ["neg", "pos"]
        assert found.votes.counts == pytest.approx(np.array([[0.3, 1.7], [1, 0], [1.8, 0.2], [0, 1]]))
        assert found.votes.per_row.tolist() == [2, 1, 2, 1] and found.votes.per_source.tolist() == [3, 3]
    alone = Files(train=str(tmp_path / "t.csv"), label="llm", unlabelled="drop").load(0)
    assert alone.votes is None and alone.distribution is not None  # one source's probabilities are a row's label
    assert alone.distribution == pytest.approx(np.array([[0.3, 0.7], [0.8, 0.2], [0, 1]]))


@pytest.mark.parametrize(
    "said",
    [
        '{"pos": 0.7, "neg": 0.7}',
        '{"pos": -1, "neg": 2}',
        '{"pos": "much"}',
        '{"pos": 1',
    ],
)
def test_what_is_no_distribution(said: str, tmp_path: Path) -> None:
    rows = {"text": ["a", "b"], "ann": ["pos", "neg"], "llm": [said, '{"pos": 1}']}
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    with refused(where=tmp_path / "t.csv", key="llm", row=2):
        Files(train=str(tmp_path / "t.csv"), label=["ann", "llm"]).load(0)


def test_two_lists_side_by_side(tmp_path: Path) -> None:
    rows = {"text": ["a", "b"], "said": [["x", "y"], ["y"]], "who": [["ann", "bob"], ["bob"]]}
    pd.DataFrame(rows).to_parquet(tmp_path / "t.parquet")
    found = Files(train=str(tmp_path / "t.parquet"), label="said", annotator="who").load(0)
    assert found.votes is not None and found.votes.sources == ("ann", "bob")
    assert found.votes.per_source.tolist() == [1, 2]
    pd.DataFrame({**rows, "who": [["ann"], ["bob"]]}).to_parquet(tmp_path / "t.parquet")
    with refused(where=tmp_path / "t.parquet", row=1):
        Files(train=str(tmp_path / "t.parquet"), label="said", annotator="who").load(0)
