"""What a refusal has to tell: the place, the key and the row that are wrong, whatever words it tells them in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clc_text.errors import InputError


@contextmanager
def refused(
    *, where: str | Path | None = None, key: str | None = None, row: int | None = None, says: str = ""
) -> Iterator[pytest.ExceptionInfo[InputError]]:
    """An `InputError` that says what is given here, and in whose sentence a reader finds it, too.

    Args:
        says: the name, the number or the two words by which this reason is told from others that the same place, key
            or row is refused for; no more of the sentence than that.
    """
    assert where is not None or key is not None or row is not None, "say what the refusal is to tell"
    with pytest.raises(InputError) as caught:
        yield caught
    error, told = caught.value, str(caught.value)
    wanted = {"where": None if where is None else str(where), "key": key, "row": row}
    for name, value in wanted.items():
        if value is not None:
            assert getattr(error, name) == value, f"{name} of: {told}"
            assert str(value) in told, told
    assert says in told, f"{says!r} is not said in: {told}"
