"""Imports run one way: what a room may know of the others, and what must not be imported before it is needed."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "clc_text"

# From the ground up: a module imports from its own room, or from rooms of a layer below; those of one layer know
# nothing of each other.
LAYERS = [
    {"errors"},
    {"utils"},
    {"config"},
    {"data"},
    {"models", "noise"},
    {"methods"},
    {"artifacts"},
    {"training"},
    {"crossfit", "evidence"},
    {"text", "vision"},
    {"corrections"},
    {"inference"},
    {"runs", "analysis"},
    {"plots"},
    {"report", "hub"},
    {"sweep", "api"},
    {"cli"},
]
LAYER = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
# Pairs of rooms of which one imports from the other. Whoever needs a new one looks first whether things lie where they
# belong; whoever does without one lowers the number.
MOST_ARROWS = 131

# What only the rooms of texts and pictures, and those above them, may know.
MODAL = {"gensim", "torchtext", "tokenizers", "PIL", "torchvision", "kornia", "timm"}
# They read what runs left behind, and train nothing.
READERS = {"evidence", "corrections", "analysis", "plots", "report", "hub"}
TRAINING = {"training", "crossfit", "runs"}
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


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


MODULES = {dotted(path): path for path in modules()}


def room(path: Path) -> str:
    name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "cli" if name == "__main__" else name


@functools.cache
def imports(path: Path, inside_functions: bool) -> tuple[str, ...]:
    """Dotted names that a module imports; those for annotations alone (TYPE_CHECKING) are inside of functions."""

    def walk(node: ast.AST, nested: bool) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            later = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            later = later or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test))
            if isinstance(child, ast.Import) and (inside_functions or not nested):
                yield from (alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and (inside_functions or not nested):
                assert child.level == 0, f"{path} imports relatively"
                yield str(child.module)
                yield from (f"{child.module}.{alias.name}" for alias in child.names)
            yield from walk(child, nested or later)

    return tuple(walk(ast.parse(path.read_text(encoding="utf-8")), False))


def own(path: Path) -> set[str]:
    """The modules of the package that a module imports, wherever in it."""
    return {name for name in imports(path, inside_functions=True) if name in MODULES} - {"clc_text", dotted(path)}


def test_imports_run_one_way() -> None:
    for path in modules():
        here = room(path)
        if here == "__init__":
            continue
        assert here in LAYER, f"{here} has no layer: give it one in {Path(__file__).name}"
        for name in own(path):
            there = name.split(".")[1]
            assert there == here or LAYER[there] < LAYER[here], f"{path} ({here}) imports {name}, which is not below"
            assert not (here in READERS and there in TRAINING), f"{path} could train"


def test_rooms_know_few_others() -> None:
    arrows = {(room(path), name.split(".")[1]) for path in modules() for name in own(path)}
    arrows = {(here, there) for here, there in arrows if here not in ("__init__", there)}
    assert len(arrows) <= MOST_ARROWS, sorted(arrows)


def test_no_modules_import_each_other_in_a_circle() -> None:
    arrows = {name: own(path) for name, path in MODULES.items()}
    # Whoever imports nothing that is left is taken away; what then remains imports in a circle, or what does.
    while ground := [name for name, below in arrows.items() if not below & arrows.keys()]:
        for name in ground:
            del arrows[name]
    assert not arrows


def passed_on(path: Path) -> set[str]:
    """Names that a module has of another one of the package."""
    return {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
        if f"{node.module}.{alias.name}" not in MODULES
    }


def test_names_are_imported_from_where_they_are_defined() -> None:
    of_others = {name: passed_on(path) for name, path in MODULES.items() if name != "clc_text"}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in of_others:
                for name in {alias.name for alias in node.names} & of_others[node.module]:
                    raise AssertionError(f"{path} has {name} of {node.module}, which has it of another module")


def test_few_modules_stand_outside_of_the_rooms() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= 10


def test_the_core_knows_neither_tokens_nor_pixels() -> None:
    for path in modules():
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
    for path in (PACKAGE / "cli").rglob("*.py"):
        for name in imports(path, inside_functions=False):
            assert name.split(".")[0] not in COMMAND_LINE, f"{path} imports {name} at its top"
            if name in MODULES and name != "clc_text":
                light = name in {"clc_text.errors", "clc_text.utils", "clc_text.utils.shown"}
                assert light or name.startswith("clc_text.cli"), f"{path} imports {name} at its top"
