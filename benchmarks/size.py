"""Time a row and memory of `clc-text clean` as tables grow: ``python -m benchmarks.size --rows 3000 30000
--classes 8``.

Each table has texts put together from TREC's questions, of as many classes as asked for, and 15 % wrong labels.
`clean` runs on it in a process of its own, stage by stage: seconds, seconds of the processor, and the largest resident
memory, of the process and those that it starts, while the stage was under way. A stage that calls another counts
without it.

With ``--drawn`` cross-fitting's networks are made and not trained: what they would say is drawn, of one epoch a
round, so that tables of many thousand classes, whose networks take hours, can be followed through all other stages.
"""

from __future__ import annotations

import argparse
import csv
import functools
import importlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.text.datasets.guess import MOST
from clc_text.text.datasets.trec import FINE, TRAIN_FILE

WRONG = 0.15
EPOCHS_DRAWN, AT_ONCE = 1, 1_000
KNOWN = 8.0  # logit of the true class where networks are not trained, in the mean; of the others 0, and deviation 1
OF_A_CLASS = 12  # words that only texts of a class have, where classes are more than TREC's
STAGES = {
    "columns": ["clc_text.api.cleaning:columns_of"],
    "reading": ["clc_text.runs.prepare:load_task"],
    "encoding": ["clc_text.runs.prepare:encode"],
    "copies": ["clc_text.data.input_copies:first_copies", "clc_text.crossfit.fold_trainer:first_copies_of"],
    "cross-fitting": ["clc_text.crossfit.trainer:NoisyLabelTrainer.make_cross_fit"],
    "noise matrix": [
        "clc_text.crossfit.rounds:fit_noise",
        "clc_text.crossfit.rounds:fit_transition",
        "clc_text.crossfit.cross_fit:fit_noise",
        "clc_text.crossfit.cross_fit:fit_transition",
        "clc_text.crossfit.cross_fit:fit_shares",
        "clc_text.noise.estimation.noise_fit:fit_noise",
    ],
    "words": ["clc_text.runs.frozen_features:_words"],
    "views": ["clc_text.crossfit.fold_trainer:_taught"],
    "discriminant": ["clc_text.evidence.views.discriminant:discriminant"],
    "neighbours": ["clc_text.evidence.views.neighbours:neighbours"],
    "bayes": ["clc_text.evidence.views.bayes:bayes"],
    "linear words": ["clc_text.evidence.views.linear_words:linear_words"],
    "training": ["clc_text.runs.run:train"],
    "judging": ["clc_text.runs.evidence:judges_of_run"],
    "correcting": ["clc_text.corrections.correct:correct"],
    "audit": ["clc_text.corrections.audit:audit"],
    "report": ["clc_text.report.report_page:report_page"],
    "table": ["clc_text.corrections.table_export:write_whole_table"],
}
OTHER = "start and the rest"


@dataclass
class Stage:
    """What a stage has taken: seconds, seconds of the processor, bytes."""

    wall: float = 0.0
    cpu: float = 0.0
    peak: int = 0


class Stages:
    """Counts the stage that is innermost at each moment."""

    def __init__(self) -> None:
        self.found = {OTHER: Stage()}
        self._open = [OTHER]
        self._since = (time.perf_counter(), time.process_time())
        self._lock = threading.Lock()

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        self._turn(name)
        try:
            yield
        finally:
            self._turn(None)

    def _turn(self, begun: str | None) -> None:
        self.look()
        with self._lock:
            now, stage = (time.perf_counter(), time.process_time()), self.found[self._open[-1]]
            stage.wall += now[0] - self._since[0]
            stage.cpu += now[1] - self._since[1]
            self._since = now
            if begun is None:
                self._open.pop()
            else:
                self.found.setdefault(begun, Stage())
                self._open.append(begun)

    def look(self) -> None:
        """Notes the memory of now."""
        used = resident()
        with self._lock:
            stage = self.found[self._open[-1]]
            stage.peak = max(stage.peak, used)

    def watch(self, seconds: float = 0.05) -> None:
        """Looks again and again, until the process ends."""

        def again() -> None:
            while True:
                self.look()
                time.sleep(seconds)

        threading.Thread(target=again, daemon=True).start()

    def end(self) -> dict[str, Stage]:
        self._turn(OTHER)
        return self.found


def resident() -> int:
    """Bytes of this process and of those that it started, pages of files that are mapped left out."""
    return sum(_resident(number) for number in [os.getpid(), *_children(os.getpid())])


def _resident(process: int) -> int:
    try:
        told = Path(f"/proc/{process}/statm").read_text().split()
    except OSError:  # it has ended
        return 0
    return (int(told[1]) - int(told[2])) * os.sysconf("SC_PAGE_SIZE")


def _children(process: int) -> list[int]:
    try:
        found = [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []
    return found + [below for one in found for below in _children(one)]


def run_watched(arguments: list[str], out: Path, drawn: tuple[int, int] | None = None) -> None:
    """Runs `clc-text` with these arguments in this process and writes what its stages took.

    Args:
        drawn: rows and classes of the table, where cross-fitting's networks are not trained.
    """
    stages = Stages()
    if drawn is not None:
        draw_in_place_of_networks(*drawn)
    stages.watch()
    wrapped: dict[Any, Callable[..., Any]] = {}
    for name, places in STAGES.items():
        for place in places:
            function = function_of(place)
            wrapped[function] = _counted(stages, name, function)
    for loaded in [one for name, one in sys.modules.items() if name.startswith("clc_text")]:
        for where in (loaded, *[one for one in vars(loaded).values() if isinstance(one, type)]):
            for attribute, value in list(vars(where).items()):
                if callable(value) and _hashable(value) and value in wrapped:
                    setattr(where, attribute, wrapped[value])
                if isinstance(value, dict):
                    value.update(
                        {key: wrapped[one] for key, one in value.items() if _hashable(one) and one in wrapped}
                    )
    from clc_text.cli import main

    sys.argv = ["clc-text", *arguments]
    try:
        main()
    finally:
        out.write_text(json.dumps({name: vars(stage) for name, stage in stages.end().items()}))


def draw_in_place_of_networks(rows: int, classes: int) -> None:
    """Lets networks of the folds know the true class of most rows, without any training."""
    from clc_text.crossfit import cross_fit, rounds
    from clc_text.data.best_classes import BestClasses
    from clc_text.methods.fold_forward import FoldForward
    from clc_text.training.trainer import PeersTrainer

    true = np.array([one for _, _, one in texts_and_labels(questions_of_trec(), rows, classes, 0)])

    def round_of(fold_trainer: Any, after_epoch: Any, seed: int) -> Any:
        trainer = after_epoch.trainer = fold_trainer(FoldForward(), seed, after_epoch)
        after_epoch.on_train_begin(None, None, trainer.control)
        for _ in range(EPOCHS_DRAWN):
            after_epoch.on_epoch_end(None, None, trainer.control)
        trainer.accelerator.free_memory()
        after_epoch.trainer = None
        return after_epoch.best

    def held_out(trainer: Any, rows_of: Any, fold: Any, given: np.ndarray) -> BestClasses:
        places = {name: number for number, name in trainer.model.config.id2label.items()}
        named = np.array([places.get(f"c{one}", 0) for one in range(classes)])
        table = BestClasses.empty(given, len(places), logs=True)
        random = np.random.default_rng(int(fold[0]) + trainer.args.seed)
        for start in range(0, rows, AT_ONCE):
            part = slice(start, start + AT_ONCE)
            logits = random.standard_normal((len(true[part]), len(places)), np.float32)
            logits[np.arange(len(logits)), named[true[part]]] += random.normal(KNOWN, 2.0, len(logits))
            logits -= np.log(np.exp(logits).sum(1, keepdims=True))
            table[part] = logits
        return table

    rounds.train_round = cross_fit.train_round = round_of
    PeersTrainer.best_held_out = held_out  # type: ignore[assignment]


def function_of(place: str) -> Callable[..., Any]:
    """The function of a place in `STAGES`."""
    module, path = place.split(":")
    found: Any = importlib.import_module(module)
    for attribute in path.split("."):
        found = getattr(found, attribute)
    return found


def _counted(stages: Stages, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def counted(*positional: Any, **named: Any) -> Any:
        with stages.of(name):
            return function(*positional, **named)

    return counted


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def texts_and_labels(
    questions: list[tuple[int, list[str]]], rows: int, classes: int, seed: int
) -> Iterator[tuple[str, int, int]]:
    """Texts, given and true classes, row after row.

    A text begins as one question of a class and ends as another of it; of more than TREC's 50 classes, those of the
    same question differ by words of their own, of which a text has two.

    Args:
        questions: (class, words).
    """
    random = np.random.default_rng(seed)
    by_class: dict[int, list[list[str]]] = {}
    for number, words in questions:
        by_class.setdefault(number, []).append(words)
    kinds = sorted(by_class, key=lambda one: -len(by_class[one]))[:classes]
    for _ in range(rows):
        true = int(random.integers(classes))
        own = by_class[kinds[true % len(kinds)]]
        one, other = own[random.integers(len(own))], own[random.integers(len(own))]
        words = one[: 1 + len(one) // 2] + other[len(other) // 2 :]
        if classes > len(kinds):
            names = random.integers(OF_A_CLASS, size=2)
            words = words[:2] + [f"w{true // len(kinds)}x{name}" for name in names] + words[2:]
        given = true
        if random.random() < WRONG:
            given = int(random.integers(classes - 1))
            given += given >= true
        yield " ".join(words), given, true


def write_table(path: Path, rows: int, classes: int, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for text, given, _ in texts_and_labels(questions_of_trec(), rows, classes, seed):
            writer.writerow([text, f"c{given}"])


def questions_of_trec() -> list[tuple[int, list[str]]]:
    path = Path(os.environ["CLC_TEXT_DATA"]) / "trec" / TRAIN_FILE
    lines = [line.split(" ", 1) for line in path.read_text(encoding="iso-8859-1").splitlines()]
    return [(FINE.index(label), text.split()) for label, text in lines]


def measure(rows: int, classes: int, folder: Path, more: list[str], drawn: bool = False) -> dict[str, Stage]:
    """What `clean` of a table of so many rows and classes takes, stage by stage."""
    name = f"{rows}x{classes}"
    table, told = folder / f"{name}.csv", folder / f"{name}.json"
    if not table.exists():
        write_table(table, rows, classes)
    watched = ["--watched", str(told), f"{rows}x{classes}" if drawn else "trained"]
    command = [sys.executable, "-m", "benchmarks.size", *watched, "clean", str(table), "--quiet"]
    command += ["--out", str(folder / name), "--overwrite", *more]
    if classes > MOST:  # so many values are taken for no labels, unless somebody says so
        command += ["--text", "text", "--label", "label"]
    cache = folder / f"{name}-cache"  # of this table's features alone, and empty
    shutil.rmtree(cache, ignore_errors=True)
    subprocess.run(command, check=True, env=os.environ | {"CLC_TEXT_CACHE": str(cache)})
    return {stage: Stage(**values) for stage, values in json.loads(told.read_text()).items()}


def show(found: dict[tuple[int, int], dict[str, Stage]]) -> str:
    """Microseconds of the processor a row, and the largest memory in MB, by stage and table."""
    stages = [name for name in [*STAGES, OTHER] if any(name in one for one in found.values())]
    lines = ["| | " + " | ".join(f"{rows:,} × {classes:,}" for rows, classes in found) + " |"]
    lines.append("|---|" + "---:|" * len(found))
    for name in stages:
        cells = [
            f"{1e6 * one[name].cpu / rows:,.0f} · {one[name].peak / 1e6:,.0f}" if name in one else "–"
            for (rows, _), one in found.items()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    sums = []
    for (rows, _), one in found.items():
        cpu, wall = (sum(getattr(stage, kind) for stage in one.values()) for kind in ("cpu", "wall"))
        sums.append(f"**{1e6 * cpu / rows:,.0f} · {max(s.peak for s in one.values()) / 1e6:,.0f}** ({wall:,.0f} s)")
    lines.append("| all | " + " | ".join(sums) + " |")
    return "\n".join(lines)


def main() -> None:
    if sys.argv[1:2] == ["--watched"]:
        how = sys.argv[3]
        rows, classes = (0, 0) if how == "trained" else map(int, how.split("x"))
        run_watched(sys.argv[4:], Path(sys.argv[2]), (rows, classes) if rows else None)
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[3_000, 10_000, 30_000])
    parser.add_argument("--classes", type=int, nargs="+", default=[8])
    parser.add_argument("--out", type=Path, default=Path("runs/size"))
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--drawn", action="store_true", help="cross-fitting's networks are not trained")
    chosen = parser.parse_args()
    more = [part for one in chosen.overrides for part in ("--set", one)]
    found: dict[tuple[int, int], dict[str, Stage]] = {}
    for classes in chosen.classes:
        for rows in chosen.rows:
            found[rows, classes] = measure(rows, classes, chosen.out, more, chosen.drawn)
            sys.stdout.write(show({(rows, classes): found[rows, classes]}) + "\n\n")
            sys.stdout.flush()
    sys.stdout.write(show(found) + "\n")


if __name__ == "__main__":
    main()
