"""From a run to the Hub by the commands alone: correct, take back, answer, audit, push, load."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_hub import TOKEN, FakeHub

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import main
from clc_text.corrections.store import Corrected

LOAD = """
import json
from datasets import load_dataset
rows = load_dataset("user/corrected", split="train")
as_given = rows.remove_columns("label").rename_column("label_given", "label")
print(json.dumps({"rows": rows.to_dict(), "names": rows.features["label"].names, "as_given": as_given["label"][:]}))
"""


def test_what_people_and_the_method_said_arrives(
    odd_run: Path, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(odd_run, run, ignore=shutil.ignore_patterns("corrected", "audit.json"))
    labels, names = RunDirectory(run).labels(), RunDirectory(run).label_names
    rows = np.arange(0, 30, 3)
    answers = (labels.given[rows] + rows % 2) % len(names)
    lines = [json.dumps({"row": int(row), "label": names[label]}) for row, label in zip(rows, answers, strict=True)]
    (tmp_path / "answers.json").write_text(f"[{','.join(lines)}]", encoding="utf-8")
    commands = [
        ["correct", str(run), "--policy", "agree"],
        ["revert", str(run), "--class", names[0]],
        ["apply", str(run), str(tmp_path / "answers.json")],
        ["correct", str(run), "--policy", "agree"],
        ["revert", str(run), "--rows", "100-199"],
        ["audit", str(run), "--bootstrap", "5"],
        ["push", str(run), "--repo", "user/corrected", "--private"],
    ]
    for arguments in commands:
        monkeypatch.setattr(sys, "argv", ["clc-text", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert not end.value.code, (arguments, said.err)
        assert TOKEN not in said.out + said.err
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | {
        "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr

    found = json.loads(done.stdout.splitlines()[-1])
    state, loaded = Corrected(RunDirectory(run)).state(), found["rows"]
    assert found["names"] == names
    assert found["as_given"] == loaded["label_given"] == labels.given.tolist()
    assert loaded["label"] == state.label.tolist()
    sources = [("given", "method", "person")[source] for source in state.source]
    assert loaded["label_source"] == sources
    assert {"given", "method", "person"} == set(sources)
    assert [loaded["label"][row] for row in rows] == answers.tolist()
    assert {loaded["label_source"][row] for row in rows} == {"person"}
    assert [loaded["doubt"][row] for row in rows] == (answers != labels.given[rows]).astype(float).tolist()
    assert set(sources[100:200]) == {"given"}
    assert hub.repo("dataset", "user/corrected").private
    card = hub.repo("dataset", "user/corrected").files()["README.md"].decode()
    assert f"| person | {len(rows)} |" in card
