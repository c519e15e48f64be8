"""The answers that a run holds, and how another run is given them.

    answers.parquet   what a run was trained with: `row`, `label` (class number), `inclusion` (null: not known)
    asked.jsonl       how they were chosen (`clc_text.corrections.asking.asked`)

Both are in the run that learns from them, so that its recipe and its own folder repeat it, whatever becomes of the run
that people were asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clc_text.artifacts.run_directory import ANSWERS, RunDirectory
from clc_text.corrections.asking.asked import Asked, before, inclusions, read_asked, remember
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected, has_corrected
from clc_text.data.labels import sha256_of_labels
from clc_text.data.trusted import TrustedLabels
from clc_text.errors import InputError


@dataclass(frozen=True)
class Answers:
    """What people have said of the rows of a run.

    Attributes:
        path: of the run.
        asked: how the rows were chosen.
        given_sha256: of the given labels of all its rows.
    """

    path: Path
    trusted: TrustedLabels
    asked: dict[int, Asked]
    label_names: list[str]
    given_sha256: str | None

    def check(self, label_names: list[str], given: np.ndarray) -> None:
        """Refuses answers to other rows than those that are to be trained on.

        Raises:
            InputError: they are about other rows or classes.
        """
        if self.label_names != label_names or self.given_sha256 != sha256_of_labels(given):
            other = "classes" if self.label_names != label_names else "rows"
            more = "" if other == "classes" else ", or rows with other given labels,"
            raise InputError(
                f"the answers in {self.path} are about other {other}{more} than those of this recipe; train with the "
                f"recipe that {self.path} was trained with ({self.path / 'recipe.yaml'})",
                where=self.path,
                key=other,
            )

    def write(self, directory: Path) -> None:
        """Into a run that learns from them."""
        self.trusted.write(directory / ANSWERS)
        (directory / "asked.jsonl").unlink(missing_ok=True)
        remember(directory, self.asked)


def answers_in(path: Path) -> Answers:
    """What people have answered of a run's rows, in its corrected dataset or before it was trained.

    Raises:
        InputError: nobody has answered.
    """
    run = RunDirectory(path)
    asked = read_asked(run.path)
    if has_corrected(run):
        corrected = Corrected(run)
        state = corrected.state()
        rows = np.flatnonzero(state.source == PERSON)
        labels = state.label[rows].astype(np.int64)
        asked = before(asked, corrected.facts["step"])
    else:
        known = run.answers()
        rows, labels = (np.empty(0, np.int64),) * 2 if known is None else (known.rows, known.labels)
    if not len(rows):
        raise InputError(
            f"nobody has answered anything in {path}; `clc-text next {path}` writes the rows to ask about, and "
            "`clc-text apply` takes the answers over",
            where=path,
        )
    trusted = TrustedLabels(rows, labels, inclusions(rows, asked))
    here = set(rows.tolist())
    asked = {row: one for row, one in asked.items() if row in here or not one.answered}
    return Answers(path, trusted, asked, run.label_names, run.noise_manifest()["sha256"]["noisy_labels"])
