"""Whatever key of a run's JSON files is missing or of another type, at any depth, is told by its name."""

from __future__ import annotations

import copy
import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from refusals import refused
from synthetic_run import corrected_of, make_run

from clc_text.artifacts import run_files
from clc_text.artifacts.audit import Audit
from clc_text.corrections.audit import audit
from clc_text.errors import InputError
from clc_text.utils.typed_json import fault_of, read_json, read_typed_lines

FILES = {
    "environment.json": run_files.Environment,
    "noise/manifest.json": run_files.NoiseManifest,
    "corrected/corrected.json": run_files.CorrectedFacts,
    "audit.json": Audit,
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    made = make_run(tmp_path_factory.mktemp("typed") / "run", rows=120, canaries=12)
    audit(corrected_of(made), bootstrap=2)
    return {name: json.loads((made.run.path / name).read_text()) for name in FILES}


def typed_keys(value: Any, wanted: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], bool]]:
    """The path of every key that a schema names and that is there, and whether it must be."""
    choices = typing.get_args(wanted) if typing.get_origin(wanted) not in (list, dict) else ()
    for kind in choices or (wanted,):
        if typing.is_typeddict(kind) and isinstance(value, dict):
            for name, inner in typing.get_type_hints(kind).items():
                if name in value:
                    yield (*path, name), name in kind.__required_keys__
                    yield from typed_keys(value[name], inner, (*path, name))
        elif typing.get_origin(kind) is list and isinstance(value, list) and value:
            yield from typed_keys(value[0], typing.get_args(kind)[0], (*path, 0))


def parent_of(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value


@pytest.mark.parametrize("name", FILES)
def test_a_key_of_another_type_or_missing_is_named(written: dict[str, Any], name: str) -> None:
    wanted, value = FILES[name], written[name]
    assert fault_of(value, wanted) is None
    paths = list(typed_keys(value, wanted))
    assert len(paths) > 2
    for path, required in paths:
        changed = copy.deepcopy(value)
        parent_of(changed, path)[path[-1]] = {"neither": ["of", None]}
        fault = fault_of(changed, wanted)
        if fault is None:  # any object is one of these
            assert isinstance(parent_of(value, path)[path[-1]], dict)
        else:
            assert str(path[-1]) in fault or "neither" in fault or "it has no" in fault, (path, fault)
        if required:
            del parent_of(changed, path)[path[-1]]
            assert f"it has no `{'.'.join(map(str, path)).replace('.0', '[0]')}`" == fault_of(changed, wanted)


def test_the_sentence_names_file_key_and_way_out(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"name": "symmetric", "rate": "much", "realised_rate": 0.3}')
    with pytest.raises(
        InputError, match=r"a\.json is damaged \(`rate` is 'much' instead of a number or null\); do x$"
    ):
        read_json(path, run_files.NoiseManifest, "do x")
    for text in ("", "{", "[1]", "7", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(InputError, match=r"a\.json is damaged or cut short \(.*\); bring it back or train again$"):
            read_json(path, run_files.NoiseManifest)
    path.write_text('{"epoch": 1}\n{"epoch": true}\n')
    with refused(where=path, row=2, says="`epoch`"):
        read_typed_lines(path, run_files.Epoch)
