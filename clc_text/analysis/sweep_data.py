"""Whether the runs of one column of a sweep's table were made on the same data; others cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.sweep_plan import recipe_of
from clc_text.errors import InputError, some_of

# File names with their sha256, in the order in which they were read.
Sources = tuple[tuple[str, str], ...]


def check_same_data(runs: Sequence[Path]) -> None:
    """Refuses runs whose recipes name the same data, but whose files were not the same.

    (Variants that name other data do so on purpose.)

    Raises:
        InputError: the files were replaced between two runs, or machines hold different copies.
    """
    by_sources: dict[Sources, list[Path]] = {}
    for run in runs:
        if found := _sources(run):
            by_sources.setdefault(found, []).append(run)
    if len(by_sources) < 2:
        return
    by_data: dict[str, dict[Sources, list[Path]]] = {}
    for sources, of in by_sources.items():
        for run in of:
            data = json.dumps(recipe_of(run).get("data"), sort_keys=True, default=str)
            by_data.setdefault(data, {}).setdefault(sources, []).append(run)
    for kinds in by_data.values():
        if len(kinds) > 1:
            raise InputError(
                f"the runs in {runs[0].parent.parent} were not made on the same data ({_differing(kinds)}), and their "
                "figures cannot be compared; remove the folders of all but one kind, and `clc-text sweep` runs those "
                "cells anew",
                where=runs[0].parent.parent,
                key="data",
            )


def _sources(run: Path) -> Sources:
    """Empty for data that was drawn, and where the run has no environment.json."""
    if not (run / "environment.json").is_file():
        return ()
    sources = RunDirectory(run).environment().get("sources") or []
    return tuple((str(source.get("path")), str(source.get("sha256"))) for source in sources)


def _differing(kinds: Mapping[Sources, Sequence[Path]]) -> str:
    """Of each kind the files that not all have, and the runs."""
    shared = set.intersection(*(set(sources) for sources in kinds))
    told = []
    for sources, runs in kinds.items():
        files = ", ".join(f"{name} {sha256[:8]}" for name, sha256 in sources if (name, sha256) not in shared)
        names = [f"{run.parent.name}/{run.name}" for run in runs]
        told.append(f"{some_of(names)}: {files or 'the same files in another order'}")
    return "; ".join(told)
