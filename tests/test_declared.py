"""Whatever the package imports is one of its declared dependencies: it is not there by another's grace."""

from __future__ import annotations

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from test_layers import imports, modules

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
# Distributions that are called otherwise than what is imported of them, where they are not installed.
OTHERWISE = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}
OWN = {"clc_text", "__future__"}
TOOLS = ("lint", "docs")  # extras of what runs beside the package and is not imported by it


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(name for kind, names in extras.items() if kind not in TOOLS for name in names),
    ]
    return {plain(re.split(r"[<>=!~;\[ ]", one, maxsplit=1)[0]) for one in wanted}


def test_whatever_is_imported_is_declared() -> None:
    known, found = packages_distributions(), declared()
    undeclared = {}
    for path in modules():
        for name in imports(path, inside_functions=True):
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names or top in OWN:
                continue
            candidates = {plain(each) for each in known.get(top, [OTHERWISE.get(top, top)])}
            if not candidates & found:
                undeclared[top] = str(path.relative_to(ROOT))
    assert not undeclared


def test_what_is_undeclared_would_be_seen() -> None:
    assert "torch" in declared() and "pytest" in declared() and "ruff" not in declared()
    assert plain(OTHERWISE["PIL"]) in declared()
