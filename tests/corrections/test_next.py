"""What each command says to do next is a command that is there, with its arguments as a shell wants them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from synthetic_run import corrected_of, make_run
from typer.testing import CliRunner

from clc_text.cli import app
from clc_text.corrections.tables import after_audit


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = make_run(tmp_path / "my run")
    corrected_of(made)
    return made.run.path


def next_after(*arguments: object) -> list[str]:
    """The one command that is named next, without ``clc-text``."""
    found = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert found.exit_code == 0, found.output
    told = re.findall(r"^next: (?:.*; )?clc-text (.*?)  \S", found.output, re.MULTILINE)
    assert len(told) == 1, found.output
    return shlex.split(told[0])


def parses(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0
    command = app
    names = {entry.name or entry.callback.__name__ for entry in command.registered_commands if entry.callback}
    assert arguments[0] in names


def test_each_names_what_follows(run: Path, tmp_path: Path) -> None:
    assert next_after("audit", run)[:2] in (["export", str(run)], ["report", str(run)], ["revert", str(run)])
    table = tmp_path / "look.csv"
    assert CliRunner().invoke(app, ["export", str(run), "--k", "2", "--out", str(table)]).exit_code == 0
    lines = table.read_text(encoding="utf-8").splitlines()
    head = lines[0].split(",")
    answers = tmp_path / "answers.csv"
    row = lines[1].split(",")[head.index("row")]
    from clc_text.artifacts.run_directory import RunDirectory

    answers.write_text(f"row,answer\n{row},{RunDirectory(run).label_names[0]}\n", encoding="utf-8")
    for arguments in (["apply", run, answers], ["revert", run, "--last"]):
        assert next_after(*arguments) == ["audit", str(run)]
    assert next_after("revert", run, "--above-confidence", 1, "--below-confidence", 0) == ["diff", str(run)]
    assert next_after("report", run) == ["export", str(run), "--k", "100"]


@pytest.mark.parametrize(
    ("trust", "little", "command"),
    [("do not use", False, "revert"), ("look first", False, "export"), ("look first", True, "report"),
     ("trust", False, "report")],
)  # fmt: skip
def test_a_verdict_decides_what_follows(trust: str, little: bool, command: str) -> None:
    arguments, _ = after_audit({"trust": trust, "little_to_correct": little}, Path("r"))
    assert arguments[0] == command
    parses([str(one) for one in arguments])
