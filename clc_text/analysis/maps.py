"""The t-SNE maps of one run or two: one panel a peer, and the files that keep them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.analysis.corrected import has_corrections
from clc_text.analysis.groups import method_title, subject
from clc_text.analysis.hidden import HiddenRows, hidden_rows
from clc_text.analysis.tsne import ANGLE, COMPONENTS, ITERATIONS, Map, embed, quality, usual_perplexity
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.errors import InputError, nearest, some_of
from clc_text.utils.files import write_json, written_aside

LABELLINGS = ("given", "corrected", "true")

# Called with what begins and how many steps it has; gives a function to call with the steps done since the last call.
Progress = Callable[[str, int], Callable[[int], None]]


@dataclass(frozen=True)
class Panel:
    """The map of one peer of one run.

    Attributes:
        run: its name, see `RunDirectory.name`.
        title: method and peer, as a picture shows it.
        peer: which, from 0.
        rows: the rows that are on the map, the same for all peers of a run.
        map: where they are.
        quality: see `clc_text.analysis.tsne.quality`.
    """

    run: str
    title: str
    peer: int
    rows: HiddenRows
    map: Map
    quality: dict[str, Any]


@dataclass(frozen=True)
class Maps:
    """All panels, left to right, and how they were made.

    Attributes:
        label_names: of the C classes.
        subject: dataset and noise in words.
        settings: sample, perplexity, seed, ... as `tsne.json` has them.
    """

    label_names: list[str]
    subject: str
    settings: dict[str, Any]
    panels: list[Panel]

    @property
    def labellings(self) -> list[str]:
        """Those that every panel knows, in the order given, corrected, true."""
        return [name for name in LABELLINGS if all(name in panel.rows.labels for panel in self.panels)]


def make_maps(
    runs: Sequence[RunDirectory],
    peer: str | None = None,
    sample: int = 50_000,
    perplexity: float | None = None,
    seed: int = 0,
    iterations: int = ITERATIONS,
    threads: int = 1,
    progress: Progress = lambda title, steps: lambda done: None,
    of_class: str | None = None,
) -> Maps:
    """Maps of the last hidden layer.

    Args:
        runs: one, or two for side by side.
        peer: a peer's number, or "all"; without it all peers of one run, and the first peer of each of two.
        perplexity: None: `usual_perplexity` of the run with fewer rows.
        of_class: of runs in which several classes may hold of a row, the one that colours the maps.

    Raises:
        InputError: a run has no model yet, the runs have other classes, or an option is out of range.
    """
    if not 1 <= len(runs) <= 2:
        raise InputError(f"t-SNE maps are of one run, or of two side by side, and got {len(runs)} runs", key="run")
    if sample < 3:
        raise InputError(f"--sample is {sample}; give at least 3 rows", key="--sample")
    names = runs[0].label_names
    if runs[-1].label_names != names:
        raise InputError(
            f"{runs[0].path} and {runs[-1].path} have different classes, so their maps share no colours",
            where=runs[0].path,
            key="classes",
        )
    numbers = [_number_of(run, of_class) for run in runs]
    chosen = [_peers(run, peer if peer is not None else "all" if len(runs) == 1 else "0") for run in runs]
    if perplexity is None:
        perplexity = usual_perplexity(min(_rows(run, sample) for run in runs))
    panels = []
    for run, peers, asked in zip(runs, chosen, numbers, strict=True):
        advance = progress(f"hidden layer of {run.name}", _rows(run, sample))
        rows = hidden_rows(run, sample, seed, advance, asked)
        for number in peers:
            title = f"{method_title(run.recipe()['method']['name'])}, peer {number}"
            advance = progress(f"t-SNE of {run.name}, peer {number}", iterations)
            embedded = embed(rows.layers[number], perplexity, seed, iterations, threads, advance)
            panels.append(Panel(run.name, title, number, rows, embedded, quality(embedded, rows.labels, seed)))
    settings = {
        "sample": sample, "perplexity": perplexity, "seed": seed, "iterations": iterations, "angle": ANGLE,
        "components": COMPONENTS, "threads": threads,
    }  # fmt: skip
    if of_class is None:
        return Maps(names, subject(runs), settings, panels)
    return Maps([f"not {of_class}", of_class], f"{subject(runs)}, whether '{of_class}' holds", settings, panels)


def check_class(runs: Sequence[RunDirectory], of_class: str | None) -> None:
    """Asked before the maps are made, which takes minutes.

    Raises:
        InputError: several classes may hold of a row of a run, and none of them is chosen, or the run has no such.
    """
    for run in runs:
        _number_of(run, of_class)


def _number_of(run: RunDirectory, of_class: str | None) -> int:
    """The number of the class that colours the map of a run in which several may hold of a row; else 0."""
    if not run.asked:
        if of_class is not None:
            raise InputError(
                f"--class chooses among classes several of which may hold of a row, and a row of {run.path} has one; "
                "leave it out",
                where=run.path,
                key="--class",
            )
        return 0
    if of_class is None:
        raise InputError(
            f"several classes may hold of a text of {run.path}, and a map shows one: give --class, "
            f"{some_of([repr(name) for name in run.asked], 5)}",
            where=run.path,
            key="--class",
        )
    if of_class not in run.asked:
        raise InputError(
            f"--class is '{of_class}', which {run.path} has not{nearest(of_class, run.asked)}",
            where=run.path,
            key="--class",
        )
    return run.asked.index(of_class)


def _rows(run: RunDirectory, sample: int) -> int:
    return min(sample, int(run.environment()["rows"]["train"]) // max(len(run.asked), 1))


def _peers(run: RunDirectory, which: str) -> list[int]:
    count = int(run.environment()["peers"])
    if which == "all":
        return list(range(count))
    if not which.isdigit() or int(which) >= count:
        raise InputError(
            f"{run.path} has no peer '{which}'; give a number from 0 to {count - 1}, or all", where=run.path, key=which
        )
    return [int(which)]


def check_labellings(wanted: Sequence[str], runs: Sequence[RunDirectory]) -> list[str]:
    """The wanted labellings that all the runs have; asked before the maps are made, which takes minutes.

    Raises:
        InputError: a name that is none, or none of them is known.
    """
    for name in wanted:
        if name not in LABELLINGS:
            raise InputError(f"there are no labels '{name}'{nearest(name, LABELLINGS)}", key=name)
    known = {
        "given": True,
        "corrected": all(map(has_corrections, runs)),
        "true": all(run.labels().true is not None for run in runs),
    }
    kept = [name for name in LABELLINGS if name in wanted and known[name]]
    if not kept:
        labels = " or ".join(wanted)
        raise InputError(f"{' and '.join(str(run.path) for run in runs)}: no {labels} labels are known", key=labels)
    return kept


def summary(maps: Maps) -> dict[str, Any]:
    """What `tsne.json` holds: the settings and, for each panel, divergence and quality in numbers."""
    panels = [
        {
            "run": panel.run,
            "title": panel.title,
            "peer": panel.peer,
            "rows": len(panel.rows.rows),
            "divergence": panel.map.divergence,
            "quality": panel.quality,
        }
        for panel in maps.panels
    ]
    return {"subject": maps.subject, "settings": maps.settings, "panels": panels}


def write_numbers(maps: Maps, json_file: Path, parquet_file: Path) -> None:
    """`tsne.json` (see `summary`) and `tsne.parquet`: `panel`, `row`, `x`, `y`, one line a point."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "panel": np.concatenate([np.full(len(panel.rows.rows), i, np.int8) for i, panel in enumerate(maps.panels)]),
        "row": np.concatenate([panel.rows.rows for panel in maps.panels]),
        "x": np.concatenate([panel.map.points[:, 0] for panel in maps.panels]),
        "y": np.concatenate([panel.map.points[:, 1] for panel in maps.panels]),
    }
    with written_aside(parquet_file) as aside:
        pq.write_table(pa.table(columns), aside, compression="zstd")
    write_json(json_file, summary(maps))
