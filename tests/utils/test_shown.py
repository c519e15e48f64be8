"""Foreign text reaches the terminal as text: nothing that a terminal obeys, whoever prints it."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import clc_text
from clc_text.cli import _tell
from clc_text.cli.commands.recipe import list_recipes
from clc_text.corrections.tables import show_audit, show_differences
from clc_text.data.checks.tables import show_check
from clc_text.errors import InputError, nearest
from clc_text.inference.evaluation import show
from clc_text.noise.estimation.estimate import NoiseEstimate
from clc_text.runs.console import TrainingDisplay
from clc_text.runs.noise_estimate import Estimated
from clc_text.runs.noise_estimate import as_text as estimated
from clc_text.training.notices import Notice
from clc_text.utils.shown import echo, echo_json, echo_table, for_rich, printable, terminal, without_controls

EVIL = "a\x1b]0;owned\x07\x00\r\x9b2Jb\u202ec\u2028d\ud800[/bold]e"
SAFE = "a ]0;owned    2Jb c d [/bold]e"


def is_text(shown: str) -> bool:
    return all(character == "\n" or character.isprintable() for character in shown) and SAFE in shown


def wide() -> Console:
    return Console(file=io.StringIO(), width=300, highlight=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_is_left_of_a_hostile_name() -> None:
    assert without_controls(EVIL) == SAFE
    assert without_controls("two  blanks, Ünïcödé 中文") == "two  blanks, Ünïcödé 中文"
    assert without_controls(3) == "3"
    assert printable(EVIL, 10) == "a ]0;owne…"
    assert for_rich("[red]x\x1b") == "\\[red]x "


def test_it_needs_nothing_heavy() -> None:
    heavy = "{'matplotlib', 'transformers', 'torch', 'numpy', 'rich'}"
    code = f"import sys, clc_text.utils.shown; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_an_evaluation(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    figures = {"rows": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    for classes in (2, 12):
        show(
            {
                "rows": 2, "accuracy": {"peers": [50.0], "ensemble": 50.0}, "ece": 0.1, "macro_f1": 1.0,
                "classes": [{"name": EVIL, **figures}] * classes, "confusion": [[1] * classes] * classes,
            }
        )  # fmt: skip
        assert is_text(capsys.readouterr().out)


def test_an_audit() -> None:
    entry = {"label": EVIL, "given": 1, "changed": 1, "share": 1.0, "gained": 0, "now": 0}
    found: dict[str, Any] = {
        "verdict": {"trust": "trust", "summary": EVIL, "reasons": [EVIL]}, "recipe": EVIL, "dataset": EVIL,
        "policy": EVIL, "predictions": {"kind": "in sample"}, "truth": None, "canaries": None, "second_opinion": None,
        "noise": {"rate": 0.1, "interval": None, "known_rate": None}, "person": {"answers": 0},
        "corrections": {"rows": 1, "share": 1.0, "by_class": [entry]},
        "notices": [{"severity": "warning", "message": EVIL}],
    }  # fmt: skip
    console = wide()
    show_audit(found, console)
    assert is_text(text_of(console))
    assert text_of(console).count(SAFE) == 7


def test_differences() -> None:
    example = {"row": 1, "confidence": 0.5, "text": EVIL}
    pair = {"from": EVIL, "to": EVIL, "rows": 1, "share_of_from": 1.0, "examples": [example]}
    labels = {"given": 1, "method": 1, "person": 0}
    console = wide()
    show_differences(
        {"changed": 1, "rows": 2, "share": 0.5, "step": 1, "labels": labels, "pairs": [pair]}, console=console
    )
    assert is_text(text_of(console))


def test_an_estimate_of_the_noise() -> None:
    estimate = NoiseEstimate(0.1, np.eye(2), None, "em")
    assert is_text(estimated(Estimated([EVIL, "b"], 2, [estimate], -1.0, None, None)))


def test_what_is_in_a_dataset() -> None:
    near = {"texts": 1, "conflicting": 2, "leaked_test_texts": 0}
    near["examples"] = [{"rows": [0, 1], "labels": [EVIL, "b"], "texts": [EVIL, EVIL]}]
    quantiles = dict.fromkeys(("0", "0.05", "0.25", "0.5", "0.75", "0.95", "1"), 1.0)
    counts = dict.fromkeys(("empty_texts", "duplicate_texts", "conflicting_texts"), 1)
    console = wide()
    show_check(
        {
            "name": EVIL, "rows": 2, "test_rows": 0, "classes": {EVIL: {"train": 1}}, "facts": {"note": EVIL},
            "label_variants": [{EVIL: 1, EVIL.upper(): 1}], "scripts": {"Latin": 2}, "near_copies": near,
            "words": quantiles, "characters": quantiles, "empty_rows": [1], **counts,
            "sources": [{"path": EVIL, "sha256": "0"}],
            "encoder": {"note": EVIL, "texts_cut_off": 1, "share_read": 0.5, "cut_off": EVIL},
        },
        console,
    )  # fmt: skip
    assert is_text(text_of(console))


def test_notices_and_stages_of_a_training() -> None:
    console = wide()
    display = TrainingDisplay(console=console)
    display.stage(f"reading {EVIL}")
    display._seen = 1
    display.epoch({"epoch": 1}, [Notice("collapse", f"the class {EVIL} takes over", "warning", 1)])
    assert is_text(text_of(console))
    assert text_of(console).count(SAFE) == 2


def test_the_sentence_of_a_mistake(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from clc_text import cli

    def fails() -> None:
        raise InputError(f"the label {EVIL} is none of a,  b")

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == f"clc-text: the label {SAFE} is none of a,  b\n"


def test_a_name_between_colons_is_no_emoji(capsys):
    terminal().print(for_rich("class :fire: of 12"))
    assert capsys.readouterr().out == "class :fire: of 12\n"


def test_no_other_console_is_made():
    """One that rich makes by itself would turn such names into emoji."""
    package = Path(clc_text.__file__).parent
    made = {path.name for path in package.rglob("*.py") if re.search(r"\bConsole\(", path.read_text())}
    assert made == {"shown.py"}


COMMANDS = Path(clc_text.__file__).parent / "cli" / "commands"


@pytest.mark.parametrize("path", sorted(COMMANDS.glob("*.py")), ids=lambda path: path.name)
def test_commands_print_by_one_way_only(path: Path) -> None:
    """What goes to the terminal in another way would go there raw."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "typer.echo", "typer.secho", "click.echo"), f"{path}:{node.lineno}"
            assert not called.endswith(("stdout.write", "stderr.write")), f"{path}:{node.lineno}"
            assert called != "json.dumps", f"{path}:{node.lineno}: echo_json"


def test_sentences_json_and_tables(capsys: pytest.CaptureFixture[str]) -> None:
    echo(f"x {EVIL}\nsecond")
    assert capsys.readouterr().out == f"x {SAFE}\nsecond\n"
    value = {EVIL: [EVIL, "é 中 \U000e0041 \u200d\x85"]}
    echo_json(value)
    printed = capsys.readouterr().out
    assert printed.removesuffix("\n").isprintable()
    assert "é 中" in printed
    assert json.loads(printed) == value


def test_a_table_is_clean_on_a_terminal_and_exact_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal_there, expected in ((True, f"{SAFE},2\n"), (False, f"{EVIL},2\n")):
        out = io.StringIO()
        monkeypatch.setattr(out, "isatty", lambda there=terminal_there: there)
        monkeypatch.setattr(sys, "stdout", out)
        echo_table(f"{EVIL},2")
        assert out.getvalue() == expected


def test_a_message_does_not_grow_with_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    many = [f"class {number} {'x' * 500}" for number in range(10_000)]
    for known in (many, ["y" * 3_000_000]):
        assert len(nearest("unlike any", known)) < 3_000
    _tell("what is wrong: " + "x" * 3_000_000 + "; what to do")
    told = capsys.readouterr().err
    assert len(told) < 2_100
    assert told.startswith("clc-text: what is wrong: x")
    assert told.endswith("x; what to do\n")


def test_a_list_of_recipes_takes_any_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.yaml").write_bytes(b"")
    (tmp_path / "latin.yaml").write_bytes(b"# Gr\xfc\xdfe \x1b]0;owned\x07\n")
    (tmp_path / "long.yaml").write_bytes(b"# " + b"x" * 1_000_000)
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    list_recipes(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert [Path(line.split()[0]).name for line in lines] == [
        "empty.yaml", "folder.yaml", "latin.yaml", "long.yaml", "pipe.yaml",
    ]  # fmt: skip
    assert all(line.isprintable() and len(line) < 500 for line in lines)
