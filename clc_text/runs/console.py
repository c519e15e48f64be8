"""What `clc-text train` shows: stages, a live progress bar, and at the end a table and what to do next."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from clc_text.artifacts.results import LAST
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Environment, Epoch, Measure
from clc_text.config.recipe import Recipe
from clc_text.runs.build import planned_epochs
from clc_text.training.monitors import cut_off
from clc_text.training.notices import Notice
from clc_text.utils.shown import for_rich, terminal


class TrainingDisplay:
    """An observer for people: a bar on a terminal, a line every tenth of the epochs elsewhere.

    Args:
        quiet: show warnings only.
    """

    def __init__(self, quiet: bool = False, console: Console | None = None) -> None:
        self.quiet = quiet
        self.console = console or terminal(stderr=True)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
        )
        self._task: Any = None
        self._epochs = 0
        self._rows = 1
        self._seen = -1
        self._started = time.perf_counter()

    def __enter__(self) -> TrainingDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.progress.stop()

    def _print(self, text: str) -> None:
        self.console.print(text, soft_wrap=not self.console.is_terminal)

    def stage(self, sentence: str) -> None:
        if not self.quiet:
            seconds = time.perf_counter() - self._started
            self._print(f"[dim]{seconds:5.1f} s[/dim]  {for_rich(sentence)}")

    def begins(self, recipe: Recipe, environment: Environment, manifest: Mapping[str, Any], done: int) -> None:
        self._rows = environment["rows"]["train"]
        self._epochs = planned_epochs(recipe, self._rows)
        if self.quiet:
            return
        for room in ("data", "encoder"):
            for name, value in environment["facts"][room].items():
                if name == "cut_off":
                    continue  # a notice says it, whole
                self._print(f"         [dim]{for_rich(f'{name}: {_short(value)}')}[/dim]")
        peers = environment["peers"]
        noise = f", {manifest['name']} noise ({manifest['realised_rate']:.1%} of the labels flipped)"
        self._print(
            for_rich(
                f"         {recipe.method.name} with {peers} peer{'s' * (peers > 1)} on {self._rows:,} rows, "
                f"{len(environment['label_names'])} classes{noise if manifest['name'] != 'none' else ''}"
            )
        )
        self._tell(list(cut_off(environment["facts"]["encoder"])))
        self.progress.start()
        self._task = self.progress.add_task("training", total=self._epochs, completed=done, figures="")

    def epoch(self, entry: Epoch, notices: list[Notice]) -> None:
        self._tell(notices)
        if entry["epoch"] == self._seen:
            return
        self._seen = entry["epoch"]
        figures = self._figures(entry)
        if self._task is not None:
            self.progress.update(
                self._task, completed=entry["epoch"], description=entry["phase"], figures=for_rich(figures)
            )
        tenth = max(1, self._epochs // 10)
        if not self.quiet and not self.console.is_terminal and entry["epoch"] % tenth == 0:
            self._print(for_rich(f"epoch {entry['epoch']:4d}/{self._epochs}  {entry['phase']:8s}  {figures}"))

    def _tell(self, notices: list[Notice]) -> None:
        for notice in notices:
            if self.quiet and notice.severity != "warning":
                continue
            style = "yellow" if notice.severity == "warning" else "cyan"
            self._print(f"[{style}]{notice.severity}[/{style}]  {for_rich(notice.message)}")

    def _figures(self, entry: Epoch) -> str:
        selected = entry["train"]["selected"]
        parts = [f"loss {entry['loss']:.3f}"]
        if entry["test"] is not None:
            parts.append(f"test {entry['test']['accuracy']['ensemble']:.1f} %")
        if entry["phase"] == "method":
            parts.append(f"selected {sum(selected) / len(selected) / self._rows:.0%}")
        return "  ".join(parts)


def show_result(run: RunDirectory, console: Console | None = None) -> None:
    """The table at the end, and the commands that come next."""
    console = console or terminal()
    result = run.result()
    noise, epochs = result["noise"], result["epochs"]
    averaged = min(LAST, epochs)
    table = Table(
        title=for_rich(
            f"{result['recipe']}: {result['method']} on {result['dataset']}, {noise['name']} noise "
            f"{noise['realised_rate']:.1%}, {epochs:,} epoch{'s' * (epochs != 1)} in {result['seconds']:.0f} s"
        ),
        title_justify="left",
        title_style="bold",
    )
    accuracy = result["accuracy"]
    if accuracy is not None:
        table.add_column("test accuracy in percent")
        table.add_column("mean of the peers", justify="right")
        table.add_column("ensemble", justify="right")
        names: dict[Measure, str] = {
            "last10": f"last {averaged} epoch{'s' * (averaged != 1)}, mean",
            "last": "last epoch",
            "best_oracle": "best epoch (oracle: chosen by test labels)",
        }
        for key, name in names.items():
            style = "dim" if key == "best_oracle" else None
            table.add_row(name, f"{accuracy[key]['peers_mean']:.2f}", f"{accuracy[key]['ensemble']:.2f}", style=style)
        console.print(table)
    else:
        console.print(f"[bold]{table.title}[/bold]\nno test rows, so no accuracy")
    if told := result.get("multi_label"):
        console.print(
            f"of the classes that hold: micro F1 {told['f1_micro']:.2f} %, macro F1 {told['f1_macro']:.2f} %, mean "
            f"average precision {told['average_precision']:.2f} %; accuracy is that of pairs of a text and a class",
            soft_wrap=True,
        )
    train = result["train"]
    sentence = f"labels the method would change: {train['changed']:,.0f} of {train['rows']:,}"
    if train["given_right"] is not None and train["target_right"] is not None:
        before, after = train["given_right"] / train["rows"], train["target_right"] / train["rows"]
        sentence += (
            f"; right {before:.1%} before, {after:.1%} after "
            f"({train['fixed']:,.0f} fixed, {train['broken']:,.0f} broken)"
        )
    console.print(for_rich(sentence), soft_wrap=True)
    for notice in run.notices():
        style = "yellow" if notice["severity"] == "warning" else "cyan"
        console.print(f"[{style}]{notice['severity']}[/{style}]  {for_rich(notice['message'])}", soft_wrap=True)
    console.print(f"\nrun directory: {for_rich(run.path)}")
    place = shlex.quote(str(run.path))
    console.print("next:")
    for command, why in _next(run, tested=accuracy is not None):
        shown = for_rich(f"{command.format(run=place):34s}")
        console.print(f"  clc-text {shown} [dim]{why}[/dim]", soft_wrap=True)


def _next(run: RunDirectory, tested: bool) -> Iterator[tuple[str, str]]:
    """Commands with what they do, in the order in which one wants them."""
    yield "correct {run}", "the corrected dataset, and how far to trust it"
    yield "report {run}", "all of it as one page"
    where, of = ("", "") if tested else (" LABELLED_FILE", " on other rows")
    yield f"evaluate {{run}}{where}", f"accuracy, per-class figures and the confusion matrix{of}"
    if run.recipe().get("modality") == "text":
        yield "predict {run} --text 'What is …?'", "classify new texts"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= 100 else text[:99] + "…"
