"""The package reads on every Python that it says it runs on: no syntax and no name of the library that came later."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_declared import ROOT

# What Python 3.11, 3.12 and 3.13 brought ("What's New in Python"), of what a package such as this might use.
LATER = {
    "asyncio": "Barrier QueueShutDown Runner TaskGroup timeout timeout_at",
    "base64": "z85decode z85encode",
    "calendar": "Day Month",
    "collections.abc": "Buffer",
    "contextlib": "chdir",
    "copy": "replace",
    "datetime": "UTC",
    "enum": "EnumCheck FlagBoundary ReprEnum StrEnum global_enum member nonmember property show_flag_values verify",
    "hashlib": "file_digest",
    "inspect": "BufferFlags getasyncgenlocals getasyncgenstate getmembers_static markcoroutinefunction",
    "itertools": "batched",
    "logging": "getHandlerByName getHandlerNames getLevelNamesMapping",
    "math": "cbrt exp2 fma sumprod",
    "operator": "call",
    "os": "listdrives listmounts listvolumes process_cpu_count",
    "os.path": "isdevdrive isjunction splitroot",
    "pathlib": "UnsupportedOperation",
    "queue": "ShutDown",
    "random": "binomialvariate",
    "re": "NOFLAG PatternError",
    "sqlite3": "Blob",
    "statistics": "kde kde_random",
    "sys": "activate_stack_trampoline exception monitoring",
    "threading": "setprofile_all_threads settrace_all_threads",
    "tomllib": "",
    "types": "CapsuleType get_original_bases",
    "typing": "LiteralString Never NoDefault NotRequired ReadOnly Required Self TypeAliasType TypeIs TypeVarTuple "
    "Unpack assert_never assert_type clear_overloads dataclass_transform get_overloads get_protocol_members "
    "is_protocol override reveal_type",
    "warnings": "deprecated",
    "builtins": "BaseExceptionGroup ExceptionGroup PythonFinalizationError",
}
NAMES = {f"{module}.{name}" for module, names in LATER.items() for name in names.split()}
MODULES = {"tomllib", "wsgiref.types", "importlib.resources.abc", "dbm.sqlite3"}


def oldest() -> tuple[int, int]:
    found = re.search(r'requires-python = ">=(\d+)\.(\d+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert found is not None
    return int(found[1]), int(found[2])


def later_names(code: str) -> set[str]:
    """Of `NAMES` and `MODULES` those that the code imports, or reads of a module that it imports."""
    tree, called, found = ast.parse(code, feature_version=oldest()), {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            called |= {(one.asname or one.name.split(".")[0]): (one.name if one.asname else one.name.split(".")[0])
                       for one in node.names}  # fmt: skip
            found |= {one.name for one in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{one.name}" for one in node.names} & NAMES
            found |= {node.module} & MODULES
            called |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Name) and f"builtins.{node.id}" in NAMES:
            found.add(f"builtins.{node.id}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            read = _dotted(node)
            first, _, rest = read.partition(".")
            found |= {f"{called[first]}.{rest}"} & NAMES if first in called else set()
    return found


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def files() -> Iterator[Path]:
    for folder in ("clc_text", "benchmarks"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def test_no_module_needs_a_later_python() -> None:
    found = {str(path.relative_to(ROOT)): later_names(path.read_text(encoding="utf-8")) for path in files()}
    assert len(found) > 400
    assert not {path: names for path, names in found.items() if names}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("from typing import Self", {"typing.Self"}),
        ("import datetime\ndatetime.UTC", {"datetime.UTC"}),
        ("import datetime as d\nprint(d.UTC)", {"datetime.UTC"}),
        ("from datetime import timezone\ntimezone.utc", set()),
        ("import tomllib", {"tomllib"}),
        ("from os import path\npath.splitroot('a')", {"os.path.splitroot"}),
        ("import os.path\nos.path.isjunction('a')", {"os.path.isjunction"}),
        ("def f():\n    from itertools import batched", {"itertools.batched"}),
        ("raise ExceptionGroup('', [])", {"builtins.ExceptionGroup"}),
    ],
)
def test_later_names_would_be_seen(code: str, names: set[str]) -> None:
    assert later_names(code) == names


@pytest.mark.parametrize("code", ["try:\n    pass\nexcept* ValueError:\n    pass", "type X = int"])
def test_later_syntax_would_be_seen(code: str) -> None:
    with pytest.raises(SyntaxError):
        later_names(code)


def test_the_names_are_those_that_this_python_has_beyond_the_oldest() -> None:
    """A name that was misspelt would guard nothing; those of Pythons after this one cannot be looked at."""
    import importlib

    brought = {module: set(names.split()) for module, names in LATER.items() if module not in MODULES}
    there = {
        f"{module}.{name}" for module, names in brought.items() for name in names
        if hasattr(importlib.import_module(module), name)
    }  # fmt: skip
    if sys.version_info[:2] == oldest():
        assert not there, sorted(there)
    else:
        assert len(there) > 20
