"""Whatever file of a run is damaged, a command that needs it says so in one sentence."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from datasets import builder

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import main
from clc_text.errors import InputError
from clc_text.utils.damage import undamaged

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "other bytes": lambda content: b"\xff\xfe\x00{]" + content[5:],
}
READ_BY = {
    "recipe.yaml": ("correct", "report", "predict"),
    "environment.json": ("correct", "report", "predict", "evaluate"),
    "noise/manifest.json": ("correct",),
    "noise/labels.parquet": ("correct", "report"),
    "metrics.jsonl": ("correct", "report"),
    "dynamics/epoch-0005.parquet": ("report",),
    "predictions.safetensors": ("evaluate",),
    "data/test.parquet": ("evaluate",),
    "model/config.json": ("predict",),
    "model/model.safetensors": ("predict",),
}
READABLE = {("recipe.yaml", "cut"), ("metrics.jsonl", "cut"), ("metrics.jsonl", "empty")}  # as a shorter file
CASES = [
    (name, damage, command)
    for name, commands in READ_BY.items()
    for damage in DAMAGES
    for command in commands
    if (name, damage) not in READABLE
]


@pytest.fixture(scope="module")
def own_run(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("damage") / "run"
    shutil.copytree(tiny_run, run)
    (run.parent / "texts.txt").write_text("what is it\n")
    return run


@pytest.fixture
def run(own_run: Path) -> Iterator[Path]:
    """A run that may be damaged: its files are brought back afterwards."""
    before = {path: path.read_bytes() for path in own_run.rglob("*") if path.is_file()}
    yield own_run
    for path, content in before.items():
        path.write_bytes(content)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Calls a command that must end with exit code 2 and one sentence; gives that sentence."""

    def call(command: str, run: Path) -> str:
        more = {"predict": [str(run.parent / "texts.txt")], "correct": ["--policy", "entropy"]}
        monkeypatch.setattr(sys, "argv", ["clc-text", command, str(run), *more.get(command, [])])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        found = capsys.readouterr()
        assert end.value.code == 2 and not found.out, found
        [line] = found.err.splitlines()
        return line

    return call


@pytest.mark.parametrize(("name", "damage", "command"), CASES)
def test_a_damaged_file_is_named(run: Path, refused: Callable[..., str], name: str, damage: str, command: str) -> None:
    path = run / name
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    said = refused(command, run)
    kind = "(: line 1 is not readable| is damaged or cut short).*; .*bring (it )?back"
    assert re.match(re.escape(f"clc-text: {path}") + kind, said), said


@pytest.mark.parametrize("command", ["report", "evaluate", "predict"])
def test_a_file_that_lacks_what_is_asked_of_it(run: Path, refused: Callable[..., str], command: str) -> None:
    path = run / "environment.json"
    path.write_text("{}")
    said = refused(command, run)
    assert re.match(re.escape(f"clc-text: {path} is damaged (it has no `") + r"\w+`\); bring it back or", said), said


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_of_the_model_is_named(run: Path, refused: Callable[..., str], name: str) -> None:
    (run / "model" / name).unlink()
    assert refused("predict", run) == f"clc-text: {run / 'model' / name} is missing; bring it back or train again"


def test_a_model_that_does_not_fit_its_configuration(run: Path, refused: Callable[..., str]) -> None:
    (run / "model" / "config.json").write_text("{}")
    assert refused("predict", run).startswith(f"clc-text: {run / 'model'} is damaged or cut short (")


def test_what_is_no_damage_stays_what_it_is(tmp_path: Path) -> None:
    for error in (PermissionError(13, "no", "a"), OSError(28, "full"), InputError("of the user"), ZeroDivisionError()):
        with pytest.raises(type(error)) as found, undamaged(tmp_path):
            raise error
        assert found.value is error


def test_rows_are_read_where_the_disk_has_no_room_for_their_cache(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns(".cache"))
    monkeypatch.setattr(builder, "has_sufficient_disk_space", lambda *_, **__: False)
    found, mapped = RunDirectory(tmp_path / "run").data("test"), RunDirectory(tiny_run).data("test")
    assert found.features == mapped.features
    assert found.to_dict() == mapped.to_dict()
