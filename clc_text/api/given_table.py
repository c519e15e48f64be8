"""Rows that are no file yet, as a file that a recipe can name: frames, data sets, texts with labels, annotators."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.data.tabular.annotators import frame_of_votes
from clc_text.errors import InputError
from clc_text.utils.files import write_with

if TYPE_CHECKING:
    import pandas as pd


def with_annotators(data: Any, annotators: Any, text: str | None) -> tuple[Any, list[str], str | None]:
    """The data with a column an annotator, their names, and the column of texts."""
    import pandas as pd

    if isinstance(annotators, str):
        raise InputError(
            f"annotators is one name, '{annotators[:60]}'; give the names of several columns in a list, or, where one "
            "source labels all rows, label=",
            key="annotators",
        )
    if isinstance(annotators, (list, tuple)) and annotators and all(isinstance(one, str) for one in annotators):
        return data, list(annotators), text
    votes = frame_of_votes(annotators)
    if isinstance(data, (str, Path)):
        raise InputError(
            "annotators of a file are the names of its columns; or read the file into a data frame", key="annotators"
        )
    frame = _frame(data)
    if frame is None:
        frame, text = pd.DataFrame({"text": list(data)}), "text"
    if len(frame) != len(votes):
        raise InputError(
            f"there are {len(frame):,} rows and {len(votes):,} rows of annotators: one for each", key="annotators"
        )
    twice = [name for name in votes.columns if name in frame.columns]
    if twice:
        raise InputError(
            f"the table has a column '{twice[0]}' already; give annotators=['{twice[0]}', …], or rename", key=twice[0]
        )
    votes.index = frame.index
    return pd.concat([frame, votes.apply(_as_written)], axis=1), [str(name) for name in votes.columns], text


def _as_written(column: pd.Series) -> pd.Series:
    """What one source says, as a file can hold it: where it gives distributions, all as JSON of them."""
    if not any(isinstance(one, dict) for one in column):
        return column
    shares = [one if one is None or isinstance(one, dict) else {one: 1.0} for one in column]
    written = [one if one is None else json.dumps({str(name): share for name, share in one.items()}) for one in shares]
    return type(column)(written, column.index, object, column.name)


def _frame(data: Any) -> pd.DataFrame | None:
    """A table as a data frame, the classes of a `ClassLabel` by name; None where it is none."""
    import pandas as pd

    frame = data.to_pandas() if hasattr(data, "to_pandas") else data
    if not isinstance(frame, pd.DataFrame):
        return None
    classes = {
        name: feature.names
        for name, feature in getattr(data, "features", {}).items()
        if getattr(feature, "names", None)
    }
    named = {
        column: [names[int(one)] if one == one and one >= 0 else None for one in frame[column]]
        for column, names in classes.items()
    }
    return frame.assign(**named)


def as_file(
    data: Any,
    labels: Iterable[Any] | None,
    text: str | None,
    label: str | Sequence[str] | None,
    beside: Path,
    overwrite: bool,
) -> tuple[Path, pd.DataFrame | None, str | None, str | Sequence[str] | None]:
    """The file of the rows; what is to be written to it, where data is no file; and its columns."""
    import pandas as pd

    for option, column in (("text", text), ("label", label)):
        if not (column is None or isinstance(column, (str, list, tuple))):
            raise InputError(f"{option} is {column!r:.60}, and columns are named by texts; rename it", key=option)
    if isinstance(data, (str, Path)):
        if labels is not None:
            raise InputError(
                "labels are of texts in a list; of a file give the name of their column as label=", key="labels"
            )
        return Path(data), None, text, label
    if labels is not None:
        given = list(labels)
        texts = list(data)
        if len(given) != len(texts):
            raise InputError(
                f"there are {len(texts):,} texts and {len(given):,} labels: one label for each text", key="labels"
            )
        frame, text, label = pd.DataFrame({"text": texts, "label": given}), "text", "label"
    elif (found := _frame(data)) is not None:
        frame = found
    else:
        raise InputError(
            f"data is {type(data).__name__}; give a file, a data frame, a `datasets.Dataset`, or texts with labels=",
            key="data",
        )
    if len(twice := frame.columns[frame.columns.duplicated()]):
        raise InputError(f"two columns of the table are called '{str(twice[0])[:60]}'; rename one", key=str(twice[0]))
    path = beside.parent / f"{beside.name}_given.parquet"
    if path.exists() and not overwrite:
        raise InputError(
            f"{path} is there already, of an earlier call; give another out=, or overwrite=True", where=path
        )
    return path, frame, text, label


@contextmanager
def given_rows(frame: pd.DataFrame | None, path: Path, directory: Path) -> Iterator[None]:
    """The rows are in the file during the body, and after it if a run in `directory` has begun with them: else all is
    as it was before."""
    if frame is None:
        yield
        return
    made = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    before, recipe = path.with_name(f".{path.name}.before"), directory / "recipe.yaml"
    begun = _marked(recipe)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        os.replace(path, before)
    try:
        write_with(path, functools.partial(_write_rows, frame.reset_index(drop=True)))
        yield
    except BaseException as error:
        if _marked(recipe) == begun:
            path.unlink(missing_ok=True)
            if before.exists():
                os.replace(before, path)
            with suppress(OSError):  # somebody has put something there
                for folder in made:
                    folder.rmdir()
            if isinstance(error, InputError) and str(error).startswith(f"{path}: "):
                raise _of_the_table(error, path) from None  # the file was ours, and is gone
        raise
    finally:
        before.unlink(missing_ok=True)


def _of_the_table(error: InputError, path: Path) -> InputError:
    counted = "" if error.row is None else " (rows are counted from 1)"
    return InputError(f"the table: {str(error).removeprefix(f'{path}: ')}{counted}", key=error.key, row=error.row)


def _write_rows(frame: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa

    try:
        frame.to_parquet(path, index=False)
    except (pa.ArrowException, ValueError, TypeError) as error:
        names = [name for name in frame.columns if not _fits(frame[name])]
        which = f"the column '{str(names[0])[:60]}' of the table" if names else "the table"
        reason = str(error.args[0] if error.args else error).splitlines()[0][:200]
        raise InputError(
            f"{which} cannot be kept with the rows ({reason}); make its values one kind, or leave it out",
            key=str(names[0]) if names else "data",
        ) from None


def _fits(column: pd.Series) -> bool:
    import pyarrow as pa

    try:
        pa.Array.from_pandas(column)
    except (pa.ArrowException, ValueError, TypeError):
        return False
    return True


def _marked(path: Path) -> tuple[int, int] | None:
    """What differs once a file is written anew; None where it is not there."""
    return (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None
