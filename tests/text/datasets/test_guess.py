"""Columns that nobody has named."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from clc_text.errors import InputError
from clc_text.text.datasets.guess import guess_columns

ROWS = [
    {"id": f"T{number}", "customer": f"customer {number % 3}", "subject": f"short {number}",
     "mail": f"a longer text about order {number} that somebody wrote", "team": ("sales", "support")[number % 2],
     "stars": number % 5}
    for number in range(60)
]  # fmt: skip


def written(folder: Path, names: dict[str, str], separator: str = ",", ending: str = "csv") -> str:
    """A file of the columns `names`, renamed."""
    path = folder / f"t.{ending}"
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, delimiter=separator)
        writer.writerow(names.values())
        writer.writerows([[row[name] for name in names] for row in ROWS])
    return str(path)


def test_the_longest_texts_and_the_one_column_of_classes(tmp_path: Path) -> None:
    path = written(tmp_path, {"id": "id", "subject": "subject", "mail": "mail", "team": "team", "stars": "stars"})
    found = guess_columns(path)
    assert (found.text, found.label, found.separator, found.rows) == ("mail", "team", None, 60)
    assert "team (2 values)" in found.said[0] and "mail" in found.said[1]


def test_usual_names_go_first_and_named_columns_before_all(tmp_path: Path) -> None:
    names = {"id": "id", "subject": "Text", "mail": "mail", "team": "team", "stars": "Label"}
    path = written(tmp_path, names)
    assert guess_columns(path).label == "Label" and guess_columns(path).text == "mail"  # "Text" is far shorter
    found = guess_columns(path, text="Text", label="team")
    assert (found.text, found.label, found.said) == ("Text", "team", ())


def test_a_semicolon_is_seen(tmp_path: Path) -> None:
    path = written(tmp_path, {"mail": "mail", "team": "team"}, separator=";")
    assert guess_columns(path).separator == ";" and guess_columns(path).label == "team"


def test_what_cannot_be_guessed_is_asked_for(tmp_path: Path) -> None:
    two = written(tmp_path, {"mail": "mail", "team": "team", "customer": "customer"})
    with pytest.raises(InputError, match=r"several columns may be the labels.*team.*customer.*--label"):
        guess_columns(two)
    none = written(tmp_path, {"mail": "mail", "id": "id"})
    with pytest.raises(InputError, match=r"no column looks like labels.*--label"):
        guess_columns(none)
    numbers = written(tmp_path, {"stars": "stars", "team": "team"})
    with pytest.raises(InputError, match=r"no column looks like texts.*--text"):
        guess_columns(numbers)
    with pytest.raises(InputError, match="there is no column 'queue'"):
        guess_columns(two, label="queue")
    with pytest.raises(InputError, match=r"absent\.csv"):
        guess_columns(str(tmp_path / "absent.csv"))
