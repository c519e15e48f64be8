"""What the commands on corrected datasets print: tables, and a bar while rows are read and written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from clc_text.artifacts.audit import Audit
from clc_text.artifacts.run_files import Flaws, HistoryStep
from clc_text.corrections.annotators import in_words as several_in_words
from clc_text.corrections.annotators_shown import row_key, show_annotators
from clc_text.corrections.asking.slips import range_in_words
from clc_text.corrections.audit_metrics import in_words, shown_in
from clc_text.corrections.diff import Differences, Example
from clc_text.corrections.intervals import percent
from clc_text.corrections.kinds import COPY, EMPTY, GARBLED, OUTLIER, SCRIPT, flawed_rows
from clc_text.corrections.rate import rates
from clc_text.corrections.share_in_words import wrong_in_words
from clc_text.corrections.state import SOURCES
from clc_text.corrections.store import Corrected
from clc_text.noise.estimation.gain import NOTHING
from clc_text.utils.confusions import LISTED
from clc_text.utils.shown import for_rich, printable, terminal
from clc_text.utils.table import Lines, Table

ALL_CLASSES = 40  # that are listed one by one
FEW_SOURCES = 10  # that `clc-text clean` lists
STYLES = {"trust": "green", "look first": "yellow", "do not use": "red"}


class ProgressBar:
    """A bar on standard error, shown on a terminal only; called as progress(what, done, total)."""

    def __init__(self, shown: bool = True) -> None:
        console = terminal(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not (shown and console.is_terminal),
        )
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what)
        self._bar.update(self._tasks[what], completed=done, total=total)

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def show_corrected(corrected: Corrected, note: str | None = None, console: Console | None = None) -> None:
    """What `clc-text correct` has done, and what comes next.

    Args:
        note: what people have to know of who judged; None: nothing.
    """
    console = console or terminal()
    facts, run = corrected.facts, shlex.quote(str(corrected.run.path))
    labels = facts["labels"]
    console.print(
        for_rich(
            f"{facts['changed']:,} of {facts['rows']:,} labels changed ({facts['changed'] / facts['rows']:.1%}); "
            f"{labels['person']:,} are people's"
        )
    )
    if facts.get("nothing_learnt"):
        console.print(for_rich(f"no label is changed: {NOTHING}; choose another encoder or network, and train again"))
    console.print(for_rich(f"rule: {facts['policy']['sentence']}; judged by {_judges(facts['predictions'])}"))
    if note:
        console.print(for_rich(f"note: {note}"))
    if facts["canaries"]:
        found = facts["canaries"]
        console.print(
            for_rich(
                f"canaries: {found['planted']:,} labels were flipped on purpose, {found['found']:,} of them would be "
                f"changed, {found['repaired']:,} back to what they were; all are restored and not counted"
            )
        )
    for name, here in facts["renamed"].items():
        console.print(for_rich(f"the source's column '{name}' is called '{here}' here"))
    console.print(f"\n{for_rich(corrected.path)}")
    if corrected.table is not None:
        console.print(for_rich(f"{corrected.table} (as the file that it came from, with the given labels beside)"))
    console.print("next:")
    for command, why in (
        (f"audit {run}", "how far to trust it"),
        (f"diff {run}", "what was changed"),
        (f"export {run} --k 100", "the rows to look at first"),
    ):
        console.print(for_rich(f"  clc-text {command:40s} {why}"))


def show_differences(differences: Differences, of_step: bool = False, console: Console | None = None) -> None:
    """What `clc-text diff` found.

    Args:
        of_step: between a step and the one before, and not between the given labels and those of now.
    """
    console = console or terminal()
    labels = differences["labels"]
    if not differences["changed"]:
        if of_step:
            told = f"step {differences['step']} changed no label of {differences['rows']:,}"
        else:
            told = f"no label differs: each of {differences['rows']:,} is as it was given"
            told += f", of which people have confirmed {labels['person']:,}" if labels["person"] else ""
        console.print(for_rich(told))
        return
    title = (
        f"{differences['changed']:,} of {differences['rows']:,} labels differ ({differences['share']:.1%}), "
        f"step {differences['step']}; now {labels['given']:,} given, {labels['method']:,} the method's, "
        f"{labels['person']:,} people's"
    )
    rows: list[list[Any]] = []
    asked = any("class" in pair for pair in differences["pairs"])
    for pair in differences["pairs"]:
        examples = [f"{_called(one)}  {one['confidence']:.2f}  {_short(one['text'])}" for one in pair["examples"]]
        cells = [f"{pair['rows']:,}", f"{pair['share_of_from']:.1%}", Lines("\n".join(examples))]
        rows.append([*([pair["class"]] if "class" in pair else []), pair["from"], pair["to"], *cells])
    share = "#of such pairs" if asked else "#of the class"
    heads = [*(["class"] if asked else []), "from", "to", "#rows", share, "examples: row (from 0), confidence, text"]
    console.print(Table(heads, rows, title).on_screen())


def _called(example: Example) -> str:
    """The row's number, and its id where it has one."""
    named = f" ({printable(str(example['source_id']), 30)})" if "source_id" in example else ""
    return f"{example['row']}{named}"


def show_history(steps: list[HistoryStep], console: Console | None = None) -> None:
    console = console or terminal()
    rows = []
    for step in steps:
        arguments = {name: value for name, value in step["arguments"].items() if name != "sentence"}
        what = ", ".join(f"{name}={value}" for name, value in arguments.items() if value not in (None, False, 0))
        counts = (f"{step['labels'][name]:,}" for name in SOURCES)
        rows.append([str(step["step"]), step["time"], f"{step['action']}: {what}", f"{step['changed']:,}", *counts])
    heads = ["step", "when", "what", "#rows changed", *(f"#{name}" for name in SOURCES)]
    console.print(Table(heads, rows, "history (clc-text revert --to STEP goes back)").on_screen())


def show_audit(audit: Audit, console: Console | None = None) -> None:
    console = console or terminal()
    verdict = audit["verdict"]
    style = STYLES[verdict["trust"]]
    console.print(f"[bold {style}]{for_rich(verdict['trust'])}[/bold {style}]  {for_rich(verdict['summary'])}")
    for reason in verdict["reasons"]:
        console.print(for_rich(f"  - {reason}"))
    title = f"{audit['recipe']} on {audit['dataset']}"
    console.print(Table(("", ""), _figures(audit), title).on_screen(headless=True))
    console.print((_by_asked(audit) if "asked" in audit else _by_class(audit)).on_screen())
    if "several_labels" in audit:
        show_annotators(audit["several_labels"], console)
    for notice in audit["notices"]:
        console.print(for_rich(f"{notice['severity']}: {notice['message']}"))


def show_cleaned(
    audit: Audit,
    rows: Sequence[Mapping[str, Any]],
    *,
    run: Path,
    table: Path,
    page: Path,
    flaws: Flaws | None = None,
    console: Console | None = None,
) -> None:
    """What `clc-text clean` has done: the share of wrong labels, the rows to look at first, the verdict, the files.

    Args:
        audit: the audit.
        rows: those to look at first (`export.look_first`).
        run, table, page: the run directory, the corrected table and the report.
        flaws: of the texts; None: they have not been looked at.
    """
    console = console or terminal()
    noise, corrections, verdict = audit["noise"], audit["corrections"], audit["verdict"]
    told = wrong_in_words(noise, audit["rows"])
    several = audit.get("several_labels")
    if several is not None:
        console.print(for_rich(several_in_words(several, audit["rows"])))
    console.print(for_rich(f"{told}; {corrections['rows']:,} are changed"))
    if several is not None:
        show_annotators(several, console, most=FEW_SOURCES, ask=False)
    key, head = row_key(rows)
    title = "worth a look first" if several is None else "worth a look first: another label helps most here"
    lines = [
        [str(row[key]), row["given"], row["suggested"], f"{row['doubt']:.2f}", _short(row["text"])] for row in rows
    ]
    foretold = several is not None or not noise.get("nothing_learnt") or bool(noise.get("told_wrong"))
    if lines and foretold:  # else doubts are the noise of networks that have learnt nothing, and many are 1
        console.print(Table((head, "given", "suggested", "doubt", "text"), lines, title).on_screen())
    if flaws is not None and (sentence := flawed_in_words(flaws)):
        console.print(for_rich(sentence))
    style, quoted = STYLES[verdict["trust"]], shlex.quote(str(run))
    summary, *reasons = (
        re.sub(r"(?<=`clc-text )(\w+) RUN\b", lambda named: f"{named[1]} {quoted}", sentence)
        for sentence in (verdict["summary"], *verdict["reasons"])
    )
    console.print(f"[bold {style}]{for_rich(verdict['trust'])}[/bold {style}]  {for_rich(summary)}")
    for reason in reasons:
        console.print(for_rich(f"  - {reason}"))
    for what, where in (
        ("corrected table", table),
        ("report", page),
        ("more rows to look at", f"clc-text export {quoted} --k 100"),
        ("all figures of it", f"clc-text audit {quoted}"),
        ("a person's answers", f"clc-text apply {quoted} ANSWERS"),
        ("the table after them", f"clc-text export {quoted} --format table --out {shlex.quote(str(table))} --force"),
    ):
        console.print(f"{what:22s} {for_rich(where)}", soft_wrap=True)


def flawed_in_words(flaws: Flaws) -> str:
    """How many texts are flawed whatever their labels; "" where none is."""
    said = {
        OUTLIER: "like no other", GARBLED: "garbled", COPY: "near copies with several labels", EMPTY: "empty",
        SCRIPT: "in another script than nearly all",
    }  # fmt: skip
    counts = [(len(rows), said[kind]) for kind, rows in flawed_rows(flaws).items()]
    told = [f"{count:,} {'is' if count == 1 else 'are'} {what}" for count, what in counts if count]
    return f"of the texts, whatever their labels, {', '.join(told)} (in the report)" if told else ""


def after_audit(verdict: Mapping[str, Any], run: Path) -> tuple[list[object], str]:
    """The arguments of the command that follows from a verdict, and what it does."""
    if verdict["trust"] == "do not use":
        return ["revert", run, "--all"], "every row has its given label again"
    if verdict["trust"] == "trust" or verdict["little_to_correct"]:
        return ["report", run], "one page for whoever owns the data"
    return ["export", run, "--k", 100], "the rows to look at first, in a table that people fill"


def _of_answers(answers: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if answers is None:
        return []
    lines = [
        ("answers", f"{answers['answers']:,}, {answers['random']:,} of them to rows drawn at random; by these"),
        ("  right as given", percent(answers["right_before"])),
        ("  right as corrected", percent(answers["right_after"])),
    ]
    if answers["gain"]:
        low, high = (f"{100 * answers['gain'][end]:+.1f}" for end in ("low", "high"))
        lines.append(("  gained", f"{100 * answers['gain']['value']:+.1f} points ({low} to {high})"))
    allowed = answers["slips"]
    after = "" if allowed["right_after"] is None else f", {range_in_words(allowed['right_after'])} as corrected"
    told = f"{range_in_words(allowed['right_before'])} as given{after}"
    lines.append((f"  if up to {100 * allowed['most']:.1f} % are slips", told))
    for entry in answers["by_class"][:ALL_CLASSES]:
        before, after = percent(entry["right_before"]), percent(entry["right_after"])
        lines.append((f"  given {entry['label']}", f"{before} as given, {after} as corrected"))
    return lines


def _by_class(audit: Audit) -> Table:
    entries, title = audit["corrections"]["by_class"], "by class"
    if len(entries) > ALL_CLASSES:
        entries = sorted(entries, key=lambda entry: (-entry["changed"], entry["label"]))[:LISTED]
        title = f"the {LISTED} of {len(audit['label_names']):,} classes with most changes (audit.json has all)"
    rows = [
        [one["label"], f"{one['given']:,}", f"{one['changed']:,}", f"{one['share']:.1%}", f"{one['gained']:,}",
         f"{one['now']:,}"] for one in entries
    ]  # fmt: skip
    heads = ("class", "#given", "#changed", "#share", "#gained", "#now")
    return Table(heads, rows, title)


def _by_asked(audit: Audit) -> Table:
    """Of the classes of a multi-label run, the most changed first: how many are wrong, and what was changed."""
    rates = {entry["label"]: entry["rate"] for entry in audit["noise"]["by_class"]}
    texts = audit["rows"] // len(audit["asked"])
    entries = sorted(audit["corrections"]["by_asked"], key=lambda entry: -entry["added"] - entry["taken_away"])
    title = f"by class, of {texts:,} texts"
    if len(entries) > ALL_CLASSES:
        entries = entries[:LISTED]
        title = f"the {LISTED} of {len(audit['asked']):,} classes with most changes (audit.json has all)"
    rows = [
        [one["label"], f"{one['given']:,}", f"{rates[one['label']]:.1%}", f"{one['added']:,}",
         f"{one['taken_away']:,}", f"{one['now']:,}", "" if one["precision"] is None else percent(one["precision"])]
        for one in entries
    ]  # fmt: skip
    heads = ("class", "#given", "#wrong, estimated", "#added", "#taken away", "#now", "#of these changes right")
    return Table(heads, rows, title)


def _figures(audit: Audit) -> list[tuple[str, str]]:
    lines = [("rule", audit["policy"]), ("judged by", _judges(audit["predictions"]))]
    if audit["noise"].get("nothing_learnt"):
        lines.append(("given labels estimated to be wrong", "not known"))
    for one, value in shown_in("screen", audit):
        lines.append((one.titled(audit), in_words(value)))
        if one.path == "noise.rate":
            lines += [(f"  by {source}", f"{100 * rate:.1f} %") for source, rate in rates(audit["noise"])]
    lines += _of_answers(audit.get("answers"))
    opinion = audit["second_opinion"]
    if opinion:
        agreement = "" if opinion["kappa"] is None else f", kappa {opinion['kappa']:.2f}"
        lines.append(
            (
                f"{opinion['library']} {opinion['version']}",
                f"doubts {opinion['issues']:,} rows; both {opinion['changed_and_doubted']:,}, only the correction "
                f"{opinion['changed_only']:,}, only it {opinion['doubted_only']:,}{agreement}",
            )
        )
    person = audit["person"]
    if person["answers"]:
        lines.append(
            (
                "people's answers",
                f"{person['answers']:,}: {person['kept_given']:,} the given label, {person['took_suggestion']:,} the "
                f"suggested one, {person['other']:,} another",
            )
        )
    return lines


def _short(text: str | None) -> str:
    return "" if text is None else printable(text, 70)


def _judges(predictions: Mapping[str, Any]) -> str:
    """Who judged, in words, from the entry ``predictions`` of corrected.json or audit.json."""
    if predictions["kind"] == "views":
        return f"views that had not seen the labels ({', '.join(predictions['views'])})"
    if predictions["kind"] == "votes":
        return "all labels of a row together with its text"
    return f"networks {predictions['kind']}"
