"""The Dockerfile, built where there is Docker: what it copies is there, and pip is held to the constraints."""

from __future__ import annotations

import re
import shlex
from fnmatch import fnmatch

from test_declared import ROOT
from test_python_versions import oldest

INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    if line.strip() and not line.startswith("#")
]


def copied() -> list[str]:
    """The paths that are copied from this folder."""
    rest = [shlex.split(rest) for name, rest in INSTRUCTIONS if name == "COPY"]
    return [path for words in rest if not words[0].startswith("--from") for path in words[:-1]]


def ignored(path: str) -> bool:
    """By `.dockerignore`, where the last line that fits decides."""
    found = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#") and fnmatch(path, line.removeprefix("!")):
            found = not line.startswith("!")
    return found


def test_what_is_copied_is_there_and_is_sent() -> None:
    assert {"constraints.txt", "pyproject.toml", "clc_text"} <= set(copied())
    assert [path for path in copied() if not (ROOT / path).exists() or ignored(path)] == []
    assert ignored(".venv") and ignored("runs") and ignored(".git")


def test_whatever_the_package_is_built_of_is_copied() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r'(?m)^readme = "(.*)"|^license-files = \["(.*)"\]', project)
    assert {first or second for first, second in named} == {"README.md", "LICENSE"} <= set(copied())


def test_pip_is_held_to_the_constraints() -> None:
    lines = [rest for name, rest in INSTRUCTIONS if name == "RUN" and "pip install" in rest]
    assert len(lines) == 2 and all("--constraint constraints.txt" in line for line in lines)
    torch, package = lines
    assert "--index-url" in torch and torch.endswith(" torch")  # first and alone, as in the Makefile
    extras = re.search(r"'\.\[(.*?)\]'", package)
    declared = re.findall(r"(?m)^([a-z]+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert extras is not None and set(extras[1].split(",")) <= set(declared)


def test_both_stages_have_a_python_that_the_package_runs_on() -> None:
    bases = [rest.split()[0] for name, rest in INSTRUCTIONS if name == "FROM"]
    assert len(bases) == 2 and len(set(bases)) == 1
    found = re.fullmatch(r"python:(\d+)\.(\d+)-slim", bases[0])
    assert found is not None and (int(found[1]), int(found[2])) >= oldest()


def test_the_command_runs_as_nobody_in_particular() -> None:
    last = dict(INSTRUCTIONS)
    assert last["USER"] == "1000:1000" and last["ENTRYPOINT"] == '["clc-text"]'


def test_make_builds_it() -> None:
    assert re.search(r"(?m)^image:.*\n\tdocker build ", (ROOT / "Makefile").read_text(encoding="utf-8"))
