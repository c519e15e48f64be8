"""What looks like personal data in the rows that are about to be published, counted and never shown whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

MOST_VALUES = 200_000  # of a column that are looked at, the first ones
_LONGEST = 20_000  # characters of a value that are looked at
_EXAMPLES = 2
_BLOCK = 4096

# Every repetition is bounded, and none can begin in two places of the same run of characters.
_MAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_CARD = re.compile(
    r"(?<![\d.,-])[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,7}(?![\d.,-]?\d)|(?<!\d)3\d{3}([ -]?)\d{6}\2\d{5}(?!\d)"
)
_PHONE = re.compile(
    r"(?<![\w.,/-])(?:(?:\+|00)\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){2,6}|\(\d{2,5}\)[ ./-]?\d{3,4}[ ./-]?\d{3,5}"
    r"|0\d{2,5}[ /-]\d{3,9}(?:[ -]\d{2,5}){0,3}|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w/]|[.,-]\d)"
)


@dataclass
class Found:
    """One kind of it in one column.

    Attributes:
        rows: how many of the values that were looked at hold it.
        examples: some of it, all but a few characters hidden.
    """

    column: str
    kind: str
    rows: int = 0
    examples: list[str] = field(default_factory=list)


def find_personal(shards: Sequence[Path], columns: Sequence[str]) -> list[Found]:
    """E-mail addresses, phone numbers, IBANs and numbers of cards in columns of text, the most frequent first.

    Args:
        shards: Parquet files.
        columns: those that are published; what holds no text among them is passed over.
    """
    found: dict[tuple[str, str], Found] = {}
    for column, text in _texts(shards, columns):
        for kind, examples in personal_in(text[:_LONGEST]).items():
            entry = found.setdefault((column, kind), Found(column, kind))
            entry.rows += 1
            shown = masked(examples[0])
            if len(entry.examples) < _EXAMPLES and shown not in entry.examples:
                entry.examples.append(shown)
    return sorted(found.values(), key=lambda entry: -entry.rows)


def personal_in(text: str) -> dict[str, list[str]]:
    """What a text holds, by its kind; a number is of one kind only."""
    found: dict[str, list[str]] = {}
    if "@" in text and (mails := _MAIL.findall(text)):
        found["e-mail address"] = mails
    if sum(map(text.count, "0123456789")) < 7:
        return found
    for kind, pattern, is_one in (
        ("IBAN", _IBAN, _is_iban),
        ("card number", _CARD, _is_card),
        ("phone number", _PHONE, _is_phone),
    ):
        numbers = [match.group() for match in pattern.finditer(text) if is_one(match.group())]
        if numbers:
            found[kind] = numbers
        text = pattern.sub(" ", text)  # a number of one kind looks like one of another in part
    return found


def masked(value: str) -> str:
    """A value of which nobody can be told: its first character, and what follows the last dot of an address."""
    return f"{value[0]}…@….{value.rsplit('.', 1)[1]}" if "@" in value else f"{value[:3]}…"


def told(found: Sequence[Found]) -> list[str]:
    """Sentences for people."""
    return [f"column '{entry.column}': {_count(entry)}, such as {' and '.join(entry.examples)}" for entry in found]


def _count(entry: Found) -> str:
    return f"{entry.rows:,} row{'s' * (entry.rows != 1)} with what looks like {_A[entry.kind]}"


_A = {
    "e-mail address": "an e-mail address",
    "IBAN": "an IBAN",
    "card number": "a card number",
    "phone number": "a phone number",
}


def _texts(shards: Sequence[Path], columns: Sequence[str]) -> Iterator[tuple[str, str]]:
    import pyarrow.parquet as pq

    schema = pq.read_schema(shards[0])
    textual = [name for name in columns if name in schema.names and _is_text(schema.field(name).type)]
    seen = 0
    for shard in shards if textual else []:
        with pq.ParquetFile(shard) as file:
            for batch in file.iter_batches(_BLOCK, columns=textual):
                for name in textual:
                    yield from ((name, value) for value in batch.column(name).to_pylist() if value)
                seen += len(batch)
                if seen >= MOST_VALUES:
                    return


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_iban(text: str) -> bool:
    """ISO 13616: the letters as numbers, the first four signs at the end, 1 is left of a division by 97."""
    signs = text.replace(" ", "")
    moved = signs[4:] + signs[:4]
    return 15 <= len(signs) <= 34 and int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def _is_card(text: str) -> bool:
    """ISO/IEC 7812: the check digit of Luhn."""
    digits = [int(sign) for sign in text if sign.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_phone(text: str) -> bool:
    return 8 <= sum(sign.isdigit() for sign in text) <= 15
