"""What `clc-text data check` prints for people: tables, what stands out, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from clc_text.data.agreement import alpha_in_words
from clc_text.data.checks.drift import apart_in_words
from clc_text.data.checks.label_variants import label_map
from clc_text.data.checks.rare_labels import in_words as rare_in_words
from clc_text.data.checks.scripts import NO_LETTERS, UNSPACED
from clc_text.errors import some_of
from clc_text.utils.shown import for_rich, printable, terminal, without_controls
from clc_text.utils.table import Table

MOST_CLASSES = 40  # that are listed; of more the largest and the smallest
_LARGEST, _SMALLEST = 25, 10
_RARE = 10  # rows of a class below which little can be learnt of it
_SHORT = 70  # letters of an example
_QUANTILES = {"0": "least", "0.05": "5 %", "0.25": "25 %", "0.5": "half", "0.75": "75 %", "0.95": "95 %", "1": "most"}
_IN_THE_TABLE = {"name", "texts_cut_off", "share_cut_off", "share_read", "cut_off"}
# Facts of the loader that are told elsewhere on the page.
_TOLD = {"empty_texts", "duplicate_texts", "conflicting_texts", "empty_test_texts", "leaked_test_texts",
         "classes_alike"}  # fmt: skip


def show_check(facts: Mapping[str, Any], console: Console | None = None) -> None:
    """Args: what `clc_text.data.describe.describe` found; a key that is not there is not told."""
    console = console or terminal()
    rows, tested = facts.get("rows", 0), facts.get("test_rows", 0)
    classes = facts.get("classes", {})
    test = f"{tested:,} test rows" if tested else "no test rows"
    title = f"{facts['name']}: {rows:,} rows, {len(classes)} classes, {test}"
    console.print(f"[bold]{for_rich(title)}[/bold]", soft_wrap=True)
    if "label_accuracy" in facts:
        console.print(for_rich(f"of the given labels {facts['label_accuracy']:.2f} % are the true ones"))
    console.print(_classes(classes, rows, bool(tested)))
    if "votes" in facts:
        for part in _votes(facts["votes"]):
            console.print(part)
    if "words" in facts:
        console.print(_lengths(facts))
    if flaws := list(_flaws(facts)):
        rows = [[name, f"{count:,}", remark if count else ""] for name, count, remark in flaws]
        none = [place for place, (_, count, _) in enumerate(flaws) if not count]
        console.print(Table(("looked for", "#rows", "what to know"), rows, "texts").on_screen(dim_rows=none))
    if examples := facts.get("near_copies", {}).get("examples"):
        console.print(_conflicts(examples, *_numbers(facts)))
    if examples := facts.get("outliers", {}).get("examples"):
        console.print(_odd(examples, *_numbers(facts)))
    for sentence in _remarks(facts):
        console.print(for_rich(f"- {sentence}"))
    for source in facts.get("sources", []):
        told = f"{source.get('path') or source.get('name') or ''}  sha256 {str(source.get('sha256', ''))[:16]}…"
        console.print(f"[dim]{for_rich(told)}[/dim]", soft_wrap=True)
    if variants := facts.get("label_variants"):
        _show_variants(variants, console)


def _classes(classes: Mapping[str, Mapping[str, int]], rows: int, tested: bool) -> RichTable:
    heads = ["class", "#rows", "#share", *(("#test rows",) if tested else ())]
    listed, lines = list(classes.items()), []
    left_out = 0
    if len(listed) > MOST_CLASSES:
        listed.sort(key=lambda entry: -entry[1]["train"])
        left_out = len(listed) - _LARGEST - _SMALLEST
    for place, (name, counts) in enumerate(listed):
        if left_out and _LARGEST <= place < _LARGEST + left_out:
            if place == _LARGEST:
                lines.append([f"… {left_out:,} more …", *[""] * (len(heads) - 1)])
            continue
        cells = [f"{counts['train']:,}", f"{counts['train'] / max(rows, 1):.1%}"]
        if tested:
            cells.append(f"{counts.get('test', 0):,}")
        lines.append([_name(name), *cells])
    return Table(heads, lines, "classes").on_screen()


def _votes(facts: Mapping[str, Any]) -> Iterator[RichTable | str]:
    """How many sources speak of a row, and how far they agree."""
    rows = ", ".join(f"{number} on {rows:,} row{'s' * (rows != 1)}" for number, rows in facts["rows_by_votes"].items())
    alpha = alpha_in_words(facts["alpha"], facts["soft"])
    yield for_rich(f"labels a row: {rows}; {alpha}")
    listed = sorted(facts["sources"], key=lambda source: -source["votes"])
    lines = []
    for source in listed[:MOST_CLASSES]:
        agrees = "" if source["agreement"] is None else f"{source['agreement']:.1%}"
        lines.append([_name(source["name"]), f"{source['votes']:,}", f"{source['share']:.1%}", agrees])
    if len(listed) > MOST_CLASSES:
        lines.append([f"… {len(listed) - MOST_CLASSES:,} more …", "", "", ""])
    heads = ("source", "#labels", "#share of the rows", "#agrees with the others")
    yield Table(heads, lines, "sources").on_screen()


def _lengths(facts: Mapping[str, Any]) -> RichTable:
    rows = [[kind, *(f"{facts[kind][key]:,.0f}" for key in _QUANTILES)] for kind in ("words", "characters")]
    return Table(["of a text", *(f"#{name}" for name in _QUANTILES.values())], rows, "lengths").on_screen()


def _flaws(facts: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Name, rows, and what to know of it."""
    near = facts.get("near_copies", {})
    head, called = _numbers(facts)
    if "empty_texts" in facts:
        first = ", ".join(map(called, facts["empty_rows"]))
        more = ", …" if len(facts["empty_rows"]) < facts["empty_texts"] else ""
        yield "empty texts", facts["empty_texts"], f"nothing to learn from: {head} {first}{more}" if first else ""
        yield "equal to an earlier text", facts["duplicate_texts"], ""
        yield "equal texts with several labels", facts["conflicting_texts"], "at least one of their labels is wrong"
        yield "nearly equal to an earlier text", near["texts"], "the equal ones among them; case and blanks aside"
        yield "nearly equal texts with several labels", near["conflicting"], "look at these first; some are below"
    for kind, told in facts.get("garbled", {}).items():
        first = ", ".join(map(called, told["first"])) + (", …" if told["rows"] > len(told["first"]) else "")
        yield kind, told["rows"], f"{head} {first}"
    if "outliers" in facts:
        yield "like no other text", facts["outliers"]["rows"], "by their words; the oddest are below"
    if facts.get("test_rows") and "empty_test_texts" in facts:
        leak = "known from training, so the accuracy is too high: take them out of one of the two"
        yield "empty test texts", facts["empty_test_texts"], ""
        yield "test texts that are training texts", facts["leaked_test_texts"], leak
        yield "test texts that are nearly training texts", near["leaked_test_texts"], leak
    if "texts_cut_off" in facts.get("encoder", {}):
        reading = facts["encoder"]
        yield "cut off by the encoder", reading["texts_cut_off"], f"{reading['share_read']:.0%} of all is read"


def _numbers(facts: Mapping[str, Any]) -> tuple[str, Callable[[int], str]]:
    """What rows are numbered by, and the number of each that is named: as their file counts, where that is known."""
    if "numbers_in_file" not in facts:
        return "row (from 0)", str
    counts, of = facts["numbers_in_file"]["counts"], facts["numbers_in_file"]["of"]
    return f"{counts} of the file", lambda row: str(of[str(row)])


def _conflicts(examples: Sequence[Mapping[str, Any]], head: str, called: Callable[[int], str]) -> RichTable:
    rows, ends = [], []
    for example in examples:
        for row, label, text in zip(example["rows"], example["labels"], example["texts"], strict=True):
            rows.append([called(row), _name(label), printable(text, _SHORT)])
        ends.append(len(rows) - 1)
    return Table((head, "label", "text"), rows, "nearly equal texts with several labels").on_screen(ends=ends)


def _odd(examples: Sequence[Mapping[str, Any]], head: str, called: Callable[[int], str]) -> RichTable:
    rows = [[called(one["row"]), _name(one["label"]), printable(one["text"], _SHORT)] for one in examples]
    return Table((head, "label", "text"), rows, "like no other text").on_screen()


def _remarks(facts: Mapping[str, Any]) -> Iterator[str]:
    written = facts.get("scripts", {})
    if written:
        told = ", ".join(f"{name} {count:,}" for name, count in written.items())
        yield f"texts by the script of most of their letters: {told}"
        main = next(iter(written))
        if main not in UNSPACED and len([name for name in written if name != NO_LETTERS]) > 1:
            yield "texts of several scripts are often texts of several languages: an encoder of all of them is needed"
    for key in ("scripts_without_blanks", "warning"):
        if key in facts:
            yield facts[key]
    if (apart := facts.get("drift")) and (sentence := apart_in_words(apart)):
        yield sentence
    rare = [name for name, counts in facts.get("classes", {}).items() if 0 < counts["train"] < _RARE]
    if rare:
        places = {one["label"]: one for one in facts.get("rare_labels", []) if one["source"] is None}
        named = ", ".join(_with_rows(name, places.get(name)) for name in rare[:5]) + (", …" if len(rare) > 5 else "")
        have = "1 class has" if len(rare) == 1 else f"{len(rare):,} classes have"
        yield f"{have} fewer than {_RARE} rows ({named}): too few to tell their wrong labels from right ones"
    yield from rare_in_words(facts.get("rare_labels", []))
    reading = facts.get("encoder", {})
    if "cut_off" in reading:
        yield str(reading["cut_off"])
    for name, value in reading.items():
        if name not in _IN_THE_TABLE:
            yield f"encoder: {name.replace('_', ' ')}: {value}"
    for name, value in facts.get("facts", {}).items():
        if name not in _TOLD:
            yield f"{name.replace('_', ' ')}: {value}"


def _with_rows(name: str, rare: Mapping[str, Any] | None) -> str:
    return f"'{name}'" if rare is None else f"'{name}': {rare['noun']} {some_of(list(map(str, rare['rows'])))}"


def _show_variants(variants: Sequence[Mapping[str, int]], console: Console) -> None:
    groups = "1 class is written" if len(variants) == 1 else f"{len(variants):,} classes are written"
    console.print(f"\n[yellow]warning[/yellow]  {groups} in several ways:", soft_wrap=True)
    for group in list(variants)[:MOST_CLASSES]:
        told = ", ".join(f"'{name}' ({count:,})" for name, count in group.items())
        console.print(for_rich(f"  {told}"), soft_wrap=True)
    if len(variants) > MOST_CLASSES:
        console.print(f"  … and {len(variants) - MOST_CLASSES:,} more")
    console.print("put this into the `data:` section of the recipe to join them:\n")
    # As it is, and not wrapped: it is copied.
    for line in label_map([dict(one) for one in variants]).splitlines():
        console.print(Text(f"  {without_controls(line)}"), soft_wrap=True)
    console.print()


def _name(name: str) -> str:
    """A class name in its table; blanks at its ends, which no table shows, are shown by quotes."""
    return f"'{name}'" if name != name.strip() else name
