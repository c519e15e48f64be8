"""What looks like personal data is counted and never shown whole."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clc_text.hub import personal

MAIL, IBAN, CARD, PHONE = "e-mail address", "IBAN", "card number", "phone number"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("write to jane.doe+x@mail.example.co.uk, please", [MAIL]),
        ("pay to DE89 3704 0044 0532 0130 00 today", [IBAN]),
        ("GB82WEST12345698765432", [IBAN]),
        ("card 4111 1111 1111 1111 exp", [CARD]),
        ("card 4111-1111-1111-1111.", [CARD]),
        ("5500000000000004", [CARD]),
        ("amex 3400 000000 00009", [CARD]),
        ("call +49 30 901820 now", [PHONE]),
        ("call (212) 555-0123", [PHONE]),
        ("call 212-555-0123", [PHONE]),
        ("0049 (0)30 90182 100", [PHONE]),
        ("Tel. 030 9018200", [PHONE]),
        ("a@b.example and +44 20 7946 0958", [MAIL, PHONE]),
        ("DE89 3704 0044 0532 0130 01", []),  # the check digits do not fit
        ("4111 1111 1111 1112", []),
        ("order 20240131, 12:30, version 1.2.3.4, isbn", []),
        ("from 1990-2020 it was 3,000,000.50 or 12345678901", []),
        ("2024-01-31 10:11:12", []),
        ("0000 0000 0000 0000", []),
        ("@home me@ x@y a@b.c", []),
        ("", []),
        ("plain text", []),
        ("a" * 20_000 + "@" + "b." * 5_000, []),
        ("1 " * 10_000, []),
        ("+" + "1(" * 10_000, []),
    ],
)  # fmt: skip
def test_kinds(text: str, kinds: list[str]) -> None:
    assert sorted(personal.personal_in(text)) == sorted(kinds)


def test_counts_by_column_and_examples_that_tell_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"user{row}@secret-company.example" if row % 4 == 0 else "nothing" for row in range(100)]
    notes = ["+49 30 901820" if row == 50 else None for row in range(100)]
    table = pa.table({"text": texts, "note": notes, "number": list(range(100)), "kept": texts})
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    pq.write_table(table.slice(0, 60), paths[0])
    pq.write_table(table.slice(60), paths[1])
    found = personal.find_personal(paths, ["text", "note", "number", "absent"])
    assert [(entry.column, entry.kind, entry.rows) for entry in found] == [("text", MAIL, 25), ("note", PHONE, 1)]
    said = personal.told(found)
    assert said == [
        "column 'text': 25 rows with what looks like an e-mail address, such as u…@….example",
        "column 'note': 1 row with what looks like a phone number, such as +49…",
    ]
    monkeypatch.setattr(personal, "MOST_VALUES", 60)
    assert personal.find_personal(paths, ["text"])[0].rows == 15
