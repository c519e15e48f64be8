"""A person's answers, checked and locked in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from clc_text.corrections.answer_files import Answer, read_answers
from clc_text.corrections.answered_rows import row_number, with_numbers
from clc_text.corrections.asking.asked import Asked, remember
from clc_text.corrections.log import Step
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError, close_name, nearest, some_of
from clc_text.utils.shown import printable
from clc_text.utils.spreadsheet import as_it_was

OnDisagreement = Literal["refuse", "majority", "skip"]
_SHOWN = 60  # characters of a name in a message


@dataclass
class _Votes:
    """What a row is answered: (class, place in the file), in the order of the file.

    Attributes:
        chosen: how often each class was chosen alone.
    """

    cast: list[tuple[int, str]] = field(default_factory=list)
    chosen: Counter[int] = field(default_factory=Counter)

    @property
    def agreed(self) -> bool:
        return len({label for label, _ in self.cast}) == 1

    @property
    def again(self) -> tuple[int, ...]:
        """As `asking.asked` has it."""
        return tuple(sorted(self.chosen.values(), reverse=True)) if self.chosen.total() > 1 else ()

    def majority(self) -> int | None:
        """The class with the most votes; None where two have as many."""
        first, *others = Counter(label for label, _ in self.cast).most_common(2)
        return None if others and others[0][1] == first[1] else first[0]


@dataclass(frozen=True)
class Checked:
    """Answers that can be taken over.

    Attributes:
        rows, labels: int64 [n] and int32 [n].
        disagreed: what to say of each row whose answers differ, in their order.
        left_out: how many of those rows are not among `rows`.
        asked: how rows were chosen to be asked about, by their number, where the file says it.
    """

    rows: np.ndarray
    labels: np.ndarray
    disagreed: list[str]
    left_out: int
    asked: dict[int, Asked]


class _TakenOver(TypedDict):
    answers: int
    new: int
    changed_mind: int
    corrected: int
    confirmed: int


class TakenOver(_TakenOver, total=False):
    """What became of answers, see `apply_answers`."""

    disagreed: list[str]
    left_out: int


def apply_answers(
    corrected: Corrected,
    path: Path | Sequence[Path],
    on_disagreement: OnDisagreement = "refuse",
    question: str | None = None,
    encoding: str | None = None,
) -> TakenOver:
    """Takes a person's answers over; a row so answered is locked.

    Args:
        path: a file of answers, or several, such as one of each person, which count as one: of two that are taken one
            after the other the later replaces what the earlier says.
        on_disagreement: what becomes of rows that are answered in several ways: ``refuse`` the file, take the class
            that the ``majority`` gave (and leave rows out where there is none), or ``skip`` them all.
        question, encoding: see `read_answers`.

    How a row was chosen, where the file says it, is kept (`clc_text.corrections.asking.asked`), and with it how people
    differed, but not under ``refuse``: of refused files only the mended ones are seen.

    Returns:
        ``answers`` (rows answered), ``new``, ``changed_mind`` (rows that had another answer of a person before),
        ``corrected`` (answers that are not the given label), ``confirmed`` (answers that are it), and where people
        disagreed ``disagreed`` (a text a row) and ``left_out`` (rows of them that are left as they were).

    Raises:
        InputError: a file is not readable, is given twice, has no answer, names an unknown row or class, answers one
            row in two ways, or belongs to another run; nothing is then changed.
    """
    if on_disagreement not in get_args(OnDisagreement):
        raise InputError(
            f"--on-disagreement is '{on_disagreement}'{nearest(on_disagreement, get_args(OnDisagreement))}",
            key="--on-disagreement",
        )
    paths = [path] if isinstance(path, Path) else list(path)
    _check_each_once(paths)
    files = [_File(one, with_numbers(corrected, read_answers(one, question, encoding), one)) for one in paths]
    names, run_id = corrected.facts["label_names"], corrected.facts["run_id"]
    checked = _checked(files, names, corrected.rows, run_id, on_disagreement)
    summary = lock_in(corrected, checked, ", ".join(one.name for one in paths), on_disagreement)
    if checked.disagreed:
        summary["disagreed"], summary["left_out"] = checked.disagreed, checked.left_out
    return summary


def lock_in(
    corrected: Corrected, checked: Checked, file: str, on_disagreement: OnDisagreement = "refuse"
) -> TakenOver:
    """Takes over answers that were checked, as a step of the log.

    Args:
        file: the name of the file that they came in, for the log.
    """
    before, rows, labels = corrected.state(), checked.rows, checked.labels
    after = before.with_labels(rows, labels, PERSON)
    was_answered = before.source[rows] == PERSON
    summary: TakenOver = {
        "answers": len(rows),
        "new": int((~was_answered).sum()),
        "changed_mind": int((was_answered & (before.label[rows] != labels)).sum()),
        "corrected": int((labels != before.given[rows]).sum()),
        "confirmed": int((labels == before.given[rows]).sum()),
    }
    told: dict[str, Any] = {}
    if checked.disagreed:
        told = {"on_disagreement": on_disagreement, "disagreed": len(checked.disagreed), "left_out": checked.left_out}
    step = corrected.facts["step"] + 1
    asked = {row: one for row, one in checked.asked.items() if one.again}
    asked |= {row: replace(checked.asked.get(row, Asked()), answered=step) for row in rows.tolist()}
    remember(corrected.run.path, asked)
    corrected.write(after, Step("apply", {"file": file, **summary, **told}))
    return summary


def check_answers_taken_over(corrected: Corrected, path: Path) -> None:
    """Refuses a file, about to be written anew, in which people have answered rows that are not answered here yet.

    Raises:
        InputError: there are such answers.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return
    names, state = corrected.facts["label_names"], corrected.state()
    try:
        answers = read_answers(path)
        if not answers:
            return
        answers = with_numbers(corrected, answers, path)
        files = [_File(path, answers)]
        checked = _checked(files, names, len(state), corrected.facts["run_id"], "refuse")
    except InputError as error:
        raise InputError(
            f"{path} is there already, and its answers cannot be taken over ({error}); choose another file with --out",
            where=path,
        ) from None
    rows = checked.rows
    still_open = int(((state.source[rows] != PERSON) | (state.label[rows] != checked.labels)).sum())
    if still_open:
        raise InputError(
            f"{path} has {still_open} answers that were not taken over yet; do that first (clc-text apply), or choose "
            "another file with --out",
            where=path,
        )


def _check_each_once(paths: list[Path]) -> None:
    """One person's answers that count as those of two would say that people never differ."""
    named: set[Path] = set()
    for path in paths:
        if (real := path.resolve()) in named:
            raise InputError(f"{path} is given twice; name each file once", where=path)
        named.add(real)


@dataclass(frozen=True)
class _File:
    path: Path
    answers: list[Answer]


def _checked(files: list[_File], names: list[str], rows: int, run_id: str, on_disagreement: OnDisagreement) -> Checked:
    for file in files:
        if not file.answers:
            raise InputError(f"{file.path} holds no answer: every one is empty", where=file.path)
    path = " and ".join(str(file.path) for file in files)
    number = {name: index for index, name in enumerate(names)}
    votes_of: dict[int, _Votes] = {}
    asked: dict[int, Asked] = {}
    for path_of, answer in ((one.path, answer) for one in files for answer in one.answers):
        place = f"{path_of}, {answer.where}"
        if answer.run_id not in (None, "", run_id):
            other = printable(str(answer.run_id), _SHOWN)
            raise InputError(
                f"{place}: this answer belongs to run {other}, not to {run_id}; apply it there", where=place
            )
        row = row_number(answer.row)
        if row is None or not 0 <= row < rows:
            shown = printable(str(answer.row), _SHOWN)
            raise InputError(f"{place}: there is no row '{shown}'; rows are 0 to {rows - 1}", where=place, key=shown)
        if len(answer.labels) > 1 and on_disagreement == "refuse":
            chosen = some_of([printable(str(label), _SHOWN) for label in answer.labels], 5)
            raise InputError(f"{place}: {len(answer.labels)} classes are chosen ({chosen}); choose one", where=place)
        if answer.asked is not None:
            asked[row] = answer.asked
        votes = votes_of.setdefault(row, _Votes())
        numbers = [_class_number(label, number, place, answer.harmless) for label in answer.labels]
        votes.cast += [(label, place if len(files) > 1 else answer.where) for label in numbers]
        if len(numbers) == 1:
            votes.chosen[numbers[0]] += 1
    torn = {row: votes for row, votes in votes_of.items() if not votes.agreed}
    if torn and on_disagreement == "refuse":
        raise _refused(path, torn, names, len(files))
    taken: dict[int, int] = {}
    for row, votes in votes_of.items():
        label = votes.cast[0][0] if votes.agreed else votes.majority() if on_disagreement == "majority" else None
        if label is not None:
            taken[row] = label
    disagreed = [
        f"row {row} ({_in_words(votes, names)}){'' if row in taken else ' is left out'}" for row, votes in torn.items()
    ]
    if not taken:
        raise InputError(f"{path} holds no answer that people agree on: {some_of(disagreed, 5)}", where=path)
    rows_taken, labels = np.array(list(taken), np.int64), np.array(list(taken.values()), np.int32)
    if on_disagreement != "refuse":
        asked = {row: replace(one, again=votes_of[row].again) for row, one in asked.items()}
    return Checked(rows_taken, labels, disagreed, len(torn.keys() - taken.keys()), asked)


def _class_number(label: Any, number: dict[str, int], place: str, defused: bool) -> int:
    """Of a class as a person, a spreadsheet or JSON writes it."""
    written = str(label)
    tried = [written, written.strip(), as_it_was(written), as_it_was(written.strip())]
    if defused:  # a class may be called as another one is written there
        tried = [*tried[2:], *tried[:2]]
    if isinstance(label, bool):
        tried.append(written.lower())
    elif isinstance(label, float) and label.is_integer():
        tried.append(str(int(label)))  # a column with empty cells holds no whole numbers
    for name in tried:
        if name in number:
            return number[name]
    typed = as_it_was(written.strip())
    hint = nearest(typed, number)
    if close_name(typed, sorted(number)) is None:
        hint += "; leave the answer empty where none of them fits, or train with data.label_names that lists more"
    raise InputError(
        f"{place}: there is no class '{printable(typed, _SHOWN)}'{hint}",
        where=place,
        key=printable(typed, _SHOWN),
    )


def _refused(path: str, torn: dict[int, _Votes], names: list[str], files: int) -> InputError:
    way = "or give --on-disagreement majority or skip"
    if len(torn) == 1:
        (row, votes), *_ = torn.items()
        first, before = votes.cast[0]
        label, where = next(vote for vote in votes.cast if vote[0] != first)
        here, there = (printable(names[number], _SHOWN) for number in (label, first))
        place = where if files > 1 else f"{path}, {where}"
        return InputError(
            f"{place}: row {row} is answered '{here}' here and '{there}' in {before}; keep one of them, {way}",
            where=place,
            row=row,
        )
    listed = some_of([f"row {row} ({_in_words(votes, names)})" for row, votes in torn.items()], 10)
    return InputError(
        f"{path}: {len(torn):,} rows are answered in several ways: {listed}; keep one answer each, {way}", where=path
    )


def _in_words(votes: _Votes, names: list[str]) -> str:
    return some_of([f"'{printable(names[label], _SHOWN)}' in {where}" for label, where in votes.cast], 4)
