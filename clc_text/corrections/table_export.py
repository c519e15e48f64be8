"""The whole corrected dataset as one table, where the user wants it."""

from __future__ import annotations

from pathlib import Path

from clc_text.corrections.source_table import Written, form_of, source_name, write_source_table
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError
from clc_text.utils.files import written_aside


def file_for_table(corrected: Corrected) -> Path:
    """Where the table goes unless it is told otherwise: RUN/corrected, with the source's ending."""
    source = source_name(corrected.run.recipe())
    ending = Path(source.removesuffix(".gz")).suffix if source else ".csv"
    return corrected.run.file("corrected" + ending)


def write_whole_table(corrected: Corrected, path: Path, may_replace: bool = False) -> list[str]:
    """Writes all rows; gives what to say of it.

    Args:
        may_replace: whether a file that is there is written over.

    Raises:
        InputError: something else is there, the ending tells no format, or the rows are images.
    """
    if path.exists() and not may_replace:
        raise InputError(
            f"{path} is there already; name another file with --out, or write over it with --force", where=path
        )
    run = corrected.run
    recipe = run.recipe()
    form = form_of(path, recipe, corrected.facts["label_names"])

    def write(shards: list[Path]) -> Written:
        with written_aside(path) as aside:
            return write_source_table(run, shards, corrected.facts, aside, form)

    count, bare, defused = corrected.of_shards(write)
    label = corrected.facts["label_column"]
    said = [f"{count:,} rows in {path}: {_columns_of_labels(corrected, label)}"]
    if defused:
        said.append(
            f"in {defused:,} cell{'s' * (defused != 1)} of the corrected table an apostrophe stands before what a "
            "spreadsheet would take for a formula (=, +, -, @)"
        )
    if bare:
        said.append(
            f"{bare:,} row{'s' * (bare != 1)} of the corrected table that nobody labelled "
            f"('{label}_unlabelled' is true) {'has' if bare == 1 else 'have'} the class that the networks predict"
        )
    if left := _left_out(corrected, bool(bare)):
        said.append(f"not in the corrected table: {' and '.join(left)}")
    return said


def _columns_of_labels(corrected: Corrected, label: str) -> str:
    """Where the labels stand, in words."""
    named = corrected.run.recipe().get("data", {}).get("label")
    if not corrected.run.asked:
        return f"'{label}' is the corrected label, '{label}_given' the given one"
    if isinstance(named, str):
        return f"'{named}' holds the corrected classes of a text, '{named}_given' the given ones"
    return "the columns of the classes are corrected, and '…_given' beside each is as it was"


def _left_out(corrected: Corrected, predicted: bool) -> list[str]:
    """Rows of the source that the run was not trained on, and that are not written.

    Args:
        predicted: whether those without a label are.
    """
    environment = corrected.run.environment()
    facts = environment["facts"].get("data", {})
    left = []
    if not predicted and (dropped := facts.get("unlabelled_rows_dropped")):
        left.append(f"{dropped:,} rows without a label")
    if corrected.run.recipe().get("data", {}).get("test_share"):
        left.append(f"{environment['rows']['test']:,} rows held out for testing")
    return left
