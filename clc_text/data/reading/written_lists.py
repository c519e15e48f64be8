"""Lists that a CSV file has as text: as JSON, or as Python and pandas write them."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from clc_text.data.reading.rows import Rows

LONGEST = 100_000  # letters of one list
Value = str | int | float | bool


def with_lists(rows: Rows, names: Iterable[str | None]) -> Rows:
    """The rows, with lists in the place of text in those of the columns in which every value that is there is one.

    An empty cell stays without a value: it is no empty list.
    """
    import datasets
    import pyarrow as pa

    for name in dict.fromkeys(names):
        if name is None or name not in rows.table.column_names:
            continue
        now = rows.table.schema.field(name).type
        if not (pa.types.is_string(now) or pa.types.is_large_string(now)):
            continue
        lists = lists_in(rows.table.column(name).to_pylist())
        if lists is None:
            continue
        texts = [None if found is None else [_as_text(one) for one in found] for found in lists]
        table = rows.table.set_column(
            rows.table.column_names.index(name), name, pa.array(texts, pa.list_(pa.string()))
        )
        kind = datasets.Features.from_arrow_schema(pa.schema([table.schema.field(name)]))
        features = dict(rows.features) | kind
        said = {"lists_read": f"the column '{name}' holds lists, written as text"}
        rows = replace(rows, table=table, features=datasets.Features(features), facts=dict(rows.facts) | said)
    return rows


def lists_in(cells: Iterable[Any]) -> list[list[Value | None] | None] | None:
    """The lists that values are, None for those that are blank or missing; None where any value is no such text."""
    lists: list[list[Value | None] | None] = []
    for value in cells:
        if value is None or value is np.nan or (isinstance(value, str) and not value.strip()):
            lists.append(None)
            continue
        one = list_in(value) if isinstance(value, str) and _looks(value) else None
        if one is None:
            return None
        lists.append(one)
    return lists if any(one is not None for one in lists) else None


def list_in(text: str) -> list[Value | None] | None:
    """The list of texts and numbers that a text is; None where it is none.

    What stands side by side without a comma, as NumPy writes it, is no list: Python joins such texts to one.
    """
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        try:
            tree = ast.parse(text.strip(), mode="eval")
            value = ast.literal_eval(tree)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
        if not isinstance(tree.body, ast.List) or _joined(text, tree.body):
            return None
    if not isinstance(value, list) or not all(one is None or isinstance(one, Value) for one in value):
        return None
    return value


def _looks(text: str) -> bool:
    shown = text.strip()
    return len(shown) <= LONGEST and shown.startswith("[") and shown.endswith("]")


def _joined(text: str, parsed: ast.List) -> bool:
    """Whether a text of the list is several side by side: such has more quotes inside than it should."""
    shown = text.strip()
    for one in parsed.elts:
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            written = ast.get_source_segment(shown, one) or ""
            if len(written) != len(repr(one.value)):
                return True
    return False


def _as_text(value: Value | None) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)
