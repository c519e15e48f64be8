"""What callers hand over, whatever library it comes from: labels, texts and tables of numbers, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from clc_text.errors import InputError

NEAR_ONE = 1e-2  # so far the sum of probabilities may be from 1, which are written with few digits


def numbered(
    labels: Iterable[Any],
    label_names: Sequence[Any] | None,
    of_row: Sequence[int] | np.ndarray | None = None,
    by: Sequence[str] | np.ndarray | None = None,
) -> tuple[np.ndarray, tuple[Any, ...]]:
    """int64 [N] and the classes' names.

    Args:
        of_row: which row a message calls each label's; None: one label a row.
        by: who has said each; None: it is not known.
    """
    given = column("labels", labels)
    of_row = range(len(given)) if of_row is None else of_row
    if not set(map(type, given)) <= {str, int}:  # else there is nothing to find row by row
        for row, one in zip(of_row, given, strict=True):
            if missing(one):
                raise InputError(f"row {row} has no label; leave such rows out", row=row)
            if not isinstance(one, (str, int, float)):
                raise InputError(f"the label of row {row} is neither a name nor a number: {str(one)[:60]!r}", row=row)
    if label_names is None:
        try:
            names = tuple(sorted(set(given)))
        except TypeError:
            raise InputError(
                "some labels are numbers and others are texts; make them one kind", key="labels"
            ) from None
    else:
        names = tuple(label_names)
        if len(set(names)) < len(names):
            raise InputError("a name is twice in label_names", key="label_names")
        numbers = all(isinstance(one, int) and not isinstance(one, bool) for one in given)
        if numbers and not set(given) <= set(names):
            known(given, range(len(names)), of_row, by)
            return np.array(given, np.int64), names
    if len(names) < 2:
        there = f"only one class, {str(names[0])[:60]!r}" if names else "no class and no row"
        raise InputError(f"there is {there}; a label is wrong only where there is another class", key="label")
    places = {name: place for place, name in enumerate(names)}
    known(given, places, of_row, by)
    return np.array([places[one] for one in given], np.int64), names


def known(
    given: Sequence[Any],
    among: Any,
    of_row: Sequence[int] | np.ndarray,
    by: Sequence[str] | np.ndarray | None = None,
) -> None:
    if set(given) <= set(among):
        return
    for place, (row, one) in enumerate(zip(of_row, given, strict=True)):
        if one not in among:
            who = "" if by is None else f" by {str(by[place])[:60]}"
            raise InputError(
                f"row {row} has the label {str(one)[:60]!r}{who}, which is not among label_names", row=row
            )


def column(name: str, values: Iterable[Any]) -> list[Any]:
    """The values of a list, array, tensor or column as Python's own."""
    shape = getattr(values, "shape", None)
    if isinstance(values, (str, bytes)) or (shape is not None and len(shape) != 1):
        what = "one text" if shape is None else f"a table of the shape {list(shape)}"
        raise InputError(f"{name} is {what}; give a list or a column, one of them for each row", key=name)
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuU":
        return list(values.tolist())
    if hasattr(values, "to_pylist"):  # of Arrow, whose items are no values yet
        return list(values.to_pylist())
    return [_own(one) for one in values]


def _own(value: Any) -> Any:
    """A number of NumPy, or a tensor of one, as Python's."""
    if isinstance(value, (np.generic, np.ndarray)) or hasattr(value, "detach"):
        return value.item()
    return value


def missing(value: Any) -> bool:
    """None, NaN, and what pandas has for it."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # NA, which is neither true nor false; an array
        return type(value).__name__ == "NAType"


def table_of(name: str, values: Any, rows: int, kind: type) -> np.ndarray:
    if hasattr(values, "detach"):  # a tensor
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values  # NumPy has no such numbers
    if hasattr(values, "toarray"):
        raise InputError(
            f"{name} is a sparse matrix; give embeddings, or texts= for words, or its toarray()", key=name
        )
    try:
        with np.errstate(over="ignore"):  # what is too large for `kind` is found not to be finite
            table: np.ndarray = np.asarray(values, dtype=kind)
    except (TypeError, ValueError):
        raise InputError(f"{name} holds something that is no number", key=name) from None
    if table.ndim != 2 or len(table) != rows:
        raise InputError(
            f"{name} has the shape {list(table.shape)}, but there are {rows:,} labels: one row for each", key=name
        )
    return table


def by_class(values: Any, rows: int, names: Sequence[Any]) -> np.ndarray:
    """float64 [N, C], the table `pred_probs` in the order of the classes: that of its columns where it names them as
    the classes are called.

    Raises:
        InputError: its shape is another one, or some columns are called as classes and others are not.
    """
    probs = table_of("pred_probs", values, rows, np.float64)
    called = list(getattr(values, "columns", ()))
    if probs.shape[1] != len(names):
        raise InputError(
            f"pred_probs has {probs.shape[1]} columns, but there are {len(names)} classes; give label_names in the "
            "order of the columns",
            key="pred_probs",
        )
    places = {str(name): place for place, name in enumerate(called)}
    if len(places) == len(called) and set(places) == set(map(str, names)):
        return probs[:, [places[str(name)] for name in names]]
    if all(isinstance(name, str) for name in called) and set(called) & set(names):
        strange = next((name for name in called if name not in names), called[0])
        raise InputError(
            f"pred_probs has a column '{str(strange)[:60]}' beside columns that are called as classes; name each "
            "class once, or give the numbers alone, with label_names in their order",
            key="pred_probs",
        )
    return probs


def probabilities(values: Any, rows: int, names: Sequence[Any]) -> np.ndarray:
    """`by_class`, where one class holds of each row."""
    probs = by_class(values, rows, names)
    sums = probs.sum(1)
    bad = np.flatnonzero(~(np.isfinite(probs).all(1) & (probs >= 0).all(1) & (np.abs(sums - 1) <= NEAR_ONE)))
    if len(bad):
        raise InputError(
            f"row {bad[0]} of pred_probs is not a row of probabilities: they are 0 … 1 and sum to 1",
            key="pred_probs",
            row=bad[0],
        )
    return np.asarray(probs / sums[:, None])


def texts_of(texts: Iterable[str], rows: int) -> list[str]:
    cells = ["" if missing(one) else one for one in column("texts", texts)]
    if len(cells) != rows:
        raise InputError(f"there are {len(cells):,} texts and {rows:,} labels: one text for each", key="texts")
    strange = next((row for row, one in enumerate(cells) if not isinstance(one, (str, int, float))), None)
    if strange is not None:
        raise InputError(f"row {strange} of texts is no text: {str(cells[strange])[:60]!r}", key="texts", row=strange)
    return [str(one) for one in cells]


def all_finite(features: np.ndarray) -> None:
    """Raises: InputError: a feature [N, D] is not finite."""
    finite = np.isfinite(features).all(1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise InputError(
            f"the features of row {row} are not finite; remove the row, or choose another encoder", row=row
        )
