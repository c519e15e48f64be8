"""Taking corrections back: all, some, or a whole step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.corrections.log import Step
from clc_text.corrections.state import GIVEN, METHOD, PERSON, State
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError, nearest


@dataclass(frozen=True)
class Selection:
    """Which corrections to take back; a row must meet every condition that is set.

    Attributes:
        everything: take back all that the other conditions allow.
        label: rows changed into one of these classes.
        given: rows changed from one of these classes.
        rows: the row numbers in these ranges, from 0.
        below: rows whose confidence is below this.
        above: rows whose confidence is above this.
        include_person: take a person's labels back too.
    """

    everything: bool = False
    label: Sequence[str] = ()
    given: Sequence[str] = ()
    rows: Sequence[range] | None = None
    below: float | None = None
    above: float | None = None
    include_person: bool = False

    @property
    def conditions(self) -> bool:
        """Whether anything is selected at all."""
        limits = (self.rows, self.below, self.above)
        return bool(self.everything or self.label or self.given or any(limit is not None for limit in limits))

    def of(self, state: State, names: list[str]) -> np.ndarray:
        """bool [N], the rows to take back.

        Raises:
            InputError: no condition is set, or one names an unknown class, row or probability.
        """
        conditions = (self.label, self.given, self.rows is not None, self.below is not None, self.above is not None)
        if not self.everything and not any(conditions):
            raise InputError(
                "say what to take back: --all, --class, --given, --rows, --below-confidence, --above-confidence, --to "
                "or --last"
            )
        for option, value in (("--below-confidence", self.below), ("--above-confidence", self.above)):
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"{option} is {value}; give a probability from 0 to 1", key=option)
        chosen = state.source != GIVEN if self.include_person else state.source == METHOD
        if self.label:
            chosen &= np.isin(state.label, _classes(self.label, names))
        if self.given:
            chosen &= np.isin(state.given, _classes(self.given, names))
        if self.rows is not None:
            listed = np.zeros(len(state), bool)
            for part in self.rows:
                if part.stop > len(state):
                    raise InputError(
                        f"there is no row {part.stop - 1}; rows are 0 to {len(state) - 1}", row=part.stop - 1
                    )
                listed[part.start : part.stop] = True
            chosen &= listed
        if self.below is not None:
            chosen &= state.confidence < self.below
        if self.above is not None:
            chosen &= state.confidence > self.above
        return chosen

    def arguments(self) -> dict[str, Any]:
        """What the history says of it."""
        rows = None if self.rows is None else sum(map(len, self.rows))
        values = {
            "all": self.everything, "class": list(self.label), "given": list(self.given), "rows": rows,
            "below_confidence": self.below, "above_confidence": self.above, "include_person": self.include_person,
        }  # fmt: skip
        return {name: value for name, value in values.items() if value not in (None, False, [])}


def revert(corrected: Corrected, selection: Selection) -> int:
    """Gives the selected rows their given labels back, as one step; gives their number (0: there is no step more)."""
    state = corrected.state()
    chosen = selection.of(state, corrected.facts["label_names"])
    count = int(chosen.sum())
    if count:
        corrected.write(state.with_given(chosen), Step("revert", selection.arguments()))
    else:  # as after one that was killed when all was done but what it leaves behind
        corrected.sweep()
    return count


def restore(corrected: Corrected, step: int, include_person: bool = False) -> tuple[int, int]:
    """Goes back to the state after a step; step 0 are the given labels.

    A person's later labels stay, unless `include_person` says otherwise.

    Returns:
        Rows that got another label or source, and rows that a person's label kept from it.
    """
    now = corrected.state()
    if step == 0:
        then = now.with_given(np.ones(len(now), bool))
    else:
        then = corrected.state(step)
    target = then
    if not include_person:
        persons = now.source == PERSON
        then = then.with_labels(persons, now.label[persons], PERSON)
    kept = int(((target.label != then.label) | (target.source != then.source)).sum())
    changed = int(((now.label != then.label) | (now.source != then.source)).sum())
    arguments = {"to": step, "include_person": include_person}
    if corrected.of_one_making(step):
        corrected.write(then, Step("restore", arguments))
    else:
        corrected.write(then, Step("restore", arguments, whole=True, made=corrected.made_by(step)))
    return changed, kept


def parse_rows(text: str) -> list[range]:
    """Row numbers such as ``3,8,10-12`` (from 0, both ends included).

    Raises:
        InputError: a part is no number and no range.
    """
    rows: list[range] = []
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if not all(end.isascii() and end.isdigit() and len(end) < 19 for end in ((first, last) if dash else (first,))):
            raise InputError(f"--rows has '{part}'; give numbers and ranges such as 3,8,10-12", key="--rows")
        whole = range(int(first), int(last or first) + 1)
        if not whole:
            raise InputError(f"--rows has '{part}', a range that runs backwards", key="--rows")
        rows.append(whole)
    return rows


def _classes(wanted: Sequence[str], names: list[str]) -> list[int]:
    for name in wanted:
        if name not in names:
            raise InputError(f"there is no class '{name}'{nearest(name, names)}", key=name)
    return [names.index(name) for name in wanted]
