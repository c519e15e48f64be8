"""Which columns of a corrected dataset are published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clc_text.corrections.columns import ADDED, SOURCE_ROW
from clc_text.corrections.identity import id_column_here
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError, nearest

ALL = "all"


@dataclass(frozen=True)
class Sent:
    """Columns of the corrected dataset, in its order.

    Attributes:
        columns: those that are published.
        left_out: those of the source that stay here.
    """

    columns: tuple[str, ...]
    left_out: tuple[str, ...]


def columns_sent(corrected: Corrected, names: Iterable[str], wanted: str | None) -> Sent:
    """The labels and what is known of them, what the networks read, and ids; others as they are asked for.

    Args:
        names: of all columns.
        wanted: further columns of the source, with commas between them, or "all".

    Raises:
        InputError: there is no such column.
    """
    names = list(names)
    renamed = corrected.facts["renamed"]
    of_source = [corrected.facts["input_column"], corrected.facts["label_column"]]
    if class_column := corrected.run.environment().get("class_column"):  # rows are pairs of a text and this class
        of_source.append(class_column)
    always = {*ADDED, SOURCE_ROW, id_column_here(corrected), *(renamed.get(name, name) for name in of_source)}
    more = set(names) if wanted == ALL else set()
    if wanted is not None and wanted != ALL:
        for asked in (name.strip() for name in wanted.split(",")):
            here = renamed.get(asked, asked)
            if here not in names:
                raise InputError(
                    f"--columns names '{asked}', which is no column of {corrected.path}{nearest(asked, names)}",
                    where=corrected.path,
                    key="--columns",
                )
            more.add(here)
    chosen = tuple(name for name in names if name in always | more)
    return Sent(chosen, tuple(name for name in names if name not in chosen))
