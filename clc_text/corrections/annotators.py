"""What a run knows of the sources of its labels, where each row has several: audit.json's ``several_labels``.

join            how the labels of a row were joined (the recipe's `data.join`)
classifier      the power to which a classifier that reads the texts is heard; 0: it is not | null
alpha           Krippendorff's α | null
rows_by_votes   {number of labels: rows}
sources         [{"name", "votes", "share": of the rows, "agreement": with most others | null,
                  "accuracy": {"value", "low", "high"}: the expected share of right labels by what is believed, and
                  its 95 % interval, "matrix": [C][C], P(says k | true class c) | null (of more than 30 classes),
                  "confused": [{"true", "said", "share"}] the most frequent errors}]
unsure          [{"row", "votes", "belief"}] the rows where another label would help most: the least believed first
alone           {"votes", "right"} by number of labels: how often so many labels of a row, drawn from those it has,
                  have the class believed by all of them as their majority (a tie counts for its share)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import KeptVotes
from clc_text.data.agreement import accuracies, votes_facts
from clc_text.data.votes import Votes, places_in_row

MOST_CELLS_OF = 30
CONFUSED = 3
UNSURE = 20
LEAST_ROWS = 30  # with so many labels, for a figure about fewer of them


def several_labels(run: RunDirectory) -> dict[str, Any] | None:
    """None: the run has one label a row."""
    kept = KeptVotes.load(run.path)
    if kept is None:
        return None
    found = votes_facts(kept.votes)
    names = run.label_names
    shares = accuracies(kept.votes, kept.belief)
    for number, source in enumerate(found["sources"]):
        share, low, high = shares[number]
        source["accuracy"] = None if np.isnan(share) else {"value": share, "low": low, "high": high}
        matrix = kept.matrices[number]
        source["matrix"] = matrix.tolist() if len(names) <= MOST_CELLS_OF else None
        source["confused"] = _confused(matrix, names)
    unsure = np.argsort(kept.belief.max(1), kind="stable")[:UNSURE]
    per_row = kept.votes.per_row
    return {
        "join": kept.facts["join"],
        "classifier": kept.facts.get("power"),
        "alpha": found["alpha"],
        "rows_by_votes": found["rows_by_votes"],
        "sources": found["sources"],
        "unsure": [
            {"row": int(row), "votes": int(per_row[row]), "belief": float(kept.belief[row].max())} for row in unsure
        ],
        "alone": enough(kept.votes, kept.belief.argmax(1)),
    }


def enough(votes: Votes, believed: np.ndarray, seed: int = 0) -> list[dict[str, float]]:
    """Of each number of labels up to the most that `LEAST_ROWS` rows have, how often their majority is the believed
    class [N]: where the figure no longer rises, more labels a row are not worth their cost."""
    place = places_in_row(votes.row, np.random.Generator(np.random.PCG64(seed)))
    per_row = votes.per_row
    found = []
    for number in range(1, int(per_row.max(initial=0)) + 1):
        rows = np.flatnonzero(per_row >= number)
        if len(rows) < LEAST_ROWS:
            break
        counts = votes.part(place < number).counts[rows]
        best = counts >= counts.max(1, keepdims=True) - 1e-9
        right = best[np.arange(len(rows)), believed[rows]] / best.sum(1)
        found.append({"votes": number, "right": float(right.mean())})
    return found


def _confused(matrix: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    errs = matrix - np.diag(np.diag(matrix))
    cells = np.argsort(-errs, axis=None, kind="stable")[:CONFUSED]
    pairs = zip(*np.unravel_index(cells, errs.shape), strict=True)
    return [
        {"true": names[true], "said": names[said], "share": float(errs[true, said])}
        for true, said in pairs
        if errs[true, said] > 0
    ]
