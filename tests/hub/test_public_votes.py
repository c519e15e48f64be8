"""Several labels a row in a push: all of them, by names that may be seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import KeptVotes
from clc_text.data.votes import Votes
from clc_text.hub.public_votes import public_audit, public_sources, write_votes

MAIL = "ann@example.org"


def a_run(folder: Path) -> RunDirectory:
    (folder / "recipe.yaml").write_text("name: x\n")
    facts = {"label_names": ["no", "yes"], "rows": {"train": 3, "test": 0}}
    (folder / "environment.json").write_text(json.dumps(facts))
    return RunDirectory(folder)


def test_every_vote_is_there_and_no_address(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    run.environment = lambda: {"label_names": ["no", "yes"]}  # type: ignore[method-assign,return-value]
    assert not write_votes(run, tmp_path / "sent.parquet") and not (tmp_path / "sent.parquet").exists()
    soft = Votes.of(np.array([0, 0, 0, 2]), np.array([0, 1, 1, 0]), np.array([1, 0, 1, 0]), 3, [MAIL, "llm"], 2,
                    np.array([1, 0.25, 0.75, 1]))  # fmt: skip
    KeptVotes(soft, np.full((3, 2), 0.5), np.full((2, 2, 2), 0.5), {"join": "majority"}).save(tmp_path)
    assert write_votes(run, tmp_path / "sent.parquet")
    assert pq.read_table(tmp_path / "sent.parquet").to_pylist() == [
        {"row": 0, "source": "source 1", "label": "yes", "weight": 1.0},
        {"row": 0, "source": "llm", "label": "no", "weight": 0.25},
        {"row": 0, "source": "llm", "label": "yes", "weight": 0.75},
        {"row": 2, "source": "source 1", "label": "no", "weight": 1.0},
    ]


def test_names_stay_apart() -> None:
    found = public_sources(["source 2", MAIL, "bob@example.org", "llm"])
    assert found == {"source 2": "source 2", MAIL: "source 2_", "bob@example.org": "source 3", "llm": "llm"}


def test_an_audit_names_them_as_the_votes_do() -> None:
    audit = {"rows": 3, "several_labels": {"alpha": None, "sources": [{"name": MAIL, "votes": 2}]}}
    assert public_audit(audit)["several_labels"]["sources"] == [{"name": "source 1", "votes": 2}]
    assert audit["several_labels"]["sources"][0]["name"] == MAIL  # type: ignore[index]
    assert public_audit({"rows": 3}) == {"rows": 3}
