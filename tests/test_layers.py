"""Imports run one way: what a room may know of the others, and what must not be imported before it is needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "clc_text"

# From the ground up: a module imports from its own layer or from one below.
LAYERS = [
    {"errors", "leftovers", "links", "components", "where", "shown", "confusions", "memory", "copies"},
    {"files", "damage", "typed_yaml", "printable_yaml", "typed_json", "run_files", "scripts", "tabular"},
    {"criteria", "task", "rows", "noise", "describe", "checks", "hub_datasets"},
    {"methods", "peers", "peers_of", "pretrained", "ledger", "metrics", "results", "guards", "calibration"},
    {"run_directory", "run_lock"},
    {"training", "corrections", "crossfit", "evidence"},
    {"text", "vision"},
    {"recipe", "recipe_text"},
    {"observer", "prepare", "inference", "prediction_file", "evaluation", "noise_files", "reload", "frozen_features"},
    {"build", "recorder", "console", "analysis", "hub", "report"},
    {"run", "outputs", "noise_estimate", "encoder_choice", "out_of_sample", "run_evidence"},
    {"sweep", "benchmark", "correction_benchmark", "ranking_benchmark"},
    {"commands"},
    {"cli"},
]
LAYER = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

# What only the rooms of texts and pictures, and those above them, may know.
MODAL = {"gensim", "torchtext", "tokenizers", "PIL", "torchvision", "kornia", "timm"}
HEAVY = {
    "transformers",
    "datasets",
    "sklearn",
    "gensim",
    "matplotlib",
    "torchtext",
    "cleanlab",
    "ray",
    "peft",
    "pandas",
}
COMMAND_LINE = {"torch", "numpy", "pyarrow"} | HEAVY


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path, inside_functions: bool) -> Iterator[str]:
    """Dotted names that a module imports, without those under TYPE_CHECKING."""

    def walk(node: ast.AST, nested: bool) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import) and (inside_functions or not nested):
                yield from (alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and (inside_functions or not nested):
                assert child.level == 0, f"{path} imports relatively"
                yield str(child.module)
                yield from (f"{child.module}.{alias.name}" for alias in child.names)
            yield from walk(child, nested or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    assert here in LAYER, f"{here} has no layer: give it one in {Path(__file__).name}"
    for name in imports(path, inside_functions=True):
        parts = name.split(".")
        if parts[0] != "clc_text" or len(parts) == 1 or parts[1] not in LAYER:
            continue
        there = parts[1]
        assert LAYER[there] <= LAYER[here], f"{path} ({here}) imports {name} from a layer above"
        assert {here, there} != {"text", "vision"}, f"{path}: texts and pictures must not know each other"
        assert not (here in {"analysis", "hub", "report"} and there in {"training", "run", "build"}), (
            f"{path} could train"
        )


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_core_knows_neither_tokens_nor_pixels(path: Path) -> None:
    if LAYER.get(room(path), 0) < LAYER["text"]:
        found = {name.split(".")[0] for name in imports(path, inside_functions=True)} & MODAL
        assert not found, f"{path} imports {found}"


def test_parts_of_recipes_import_nothing_heavy_at_their_top() -> None:
    folders = [
        *(PACKAGE / "methods").glob("*.py"),
        *(PACKAGE / "noise").glob("*.py"),
        *PACKAGE.glob("*/datasets/*.py"),
        *PACKAGE.glob("*/encoders/*.py"),
    ]
    for path in folders:
        found = {name.split(".")[0] for name in imports(path, inside_functions=False)} & HEAVY
        assert not found, f"{path} imports {found} at its top"


def test_commands_import_nothing_heavy_at_their_top() -> None:
    for path in [PACKAGE / "cli.py", *(PACKAGE / "commands").glob("*.py")]:
        for name in imports(path, inside_functions=False):
            assert name.split(".")[0] not in COMMAND_LINE, f"{path} imports {name} at its top"
            own = name.split(".")
            if own[0] == "clc_text" and len(own) > 1:
                assert own[1] in {"errors", "commands", "shown"}, f"{path} imports {name} at its top"
