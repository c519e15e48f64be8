"""What a run knows of the sources of its labels, where each row has several: audit.json's ``several_labels``.

join            how the labels of a row were joined (the recipe's `data.join`)
classifier      the power to which a classifier that reads the texts is heard; 0: it is not | null
alpha           Krippendorff's α, of the likeliest class of a label that is a distribution | null
soft            labels that are distributions
rows_by_votes   {number of labels: rows}
sources         [{"name", "votes", "share": of the rows, "agreement": with most others | null,
                  "accuracy": {"value", "low", "high"}: the expected share of right labels by what is believed, and
                  its 95 % interval, "matrix": [C][C], P(says k | true class c) | null (of more than 30 classes),
                  "confused": [{"true", "said", "share"}] the most frequent errors}]
repeat          names of sources that repeat others, and count as one with them (`noise.votes.alike`)
constant        names of sources that say one class alone beside people, and are not heard
joined          {"labels": of all sources together, "overruled": rows whose believed class is none of those that most
                  of their labels say, "tied": rows on which several classes have as many labels}
planted         {"planted", "doubted": metric, "stood": metric} | null: labels of single sources that were swapped on
                  trial: found more probably wrong than right, and rows whose believed class stayed
wrong           [least, expected, most], shares of the believed classes that are wrong | null
rules           sources that say one class or nothing, as rules do (`noise.votes.one_class`)
unsure          [{"row", "source_id" and "source_row" where known, "votes", "belief"}] the rows where another label
                  would help most: the least believed first, none that a person has answered
alone           {"votes", "right"} by number of labels: how often so many labels of a row, drawn from those it has,
                  have the class believed by all of them as their majority (a tie counts for its share)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from clc_text.artifacts.audit import (
    Confusion,
    JoinedLabels,
    PlantedVotes,
    RightBySource,
    RightByVotes,
    SeveralLabels,
    SourceOfLabels,
)
from clc_text.artifacts.votes import KeptVotes
from clc_text.corrections.identity import names_of
from clc_text.corrections.intervals import metric
from clc_text.corrections.state import PERSON, State
from clc_text.corrections.store import Corrected
from clc_text.data.agreement import accuracies, votes_facts
from clc_text.data.votes import Votes, places_in_row
from clc_text.noise.votes.alike import weights_of_alike
from clc_text.noise.votes.one_class import constant_sources, one_class_sources

MOST_CELLS_OF = 30
CONFUSED = 3
UNSURE = 20
NEARLY = 0.01  # of the rows, by which fewer labels may agree less and are nearly as good
LEAST_ROWS = 30  # with so many labels, for a figure about fewer of them


def several_labels(corrected: Corrected, state: State) -> SeveralLabels | None:
    """None: the run has one label a row. What people have answered since is known of these rows.

    Args:
        state: of all rows.
    """
    run = corrected.run
    kept = KeptVotes.load(run.path)
    if kept is None:
        return None
    facts_of_votes = votes_facts(kept.votes)
    names, belief = run.label_names, kept.belief.copy()
    answered = np.flatnonzero(state.source == PERSON)
    belief[answered] = np.eye(len(names))[state.label[answered]]
    shares = accuracies(kept.votes, belief)
    for number, source in enumerate(facts_of_votes["sources"]):
        share, low, high = shares[number]
        source["accuracy"] = None if np.isnan(share) else {"value": share, "low": low, "high": high}
        matrix = kept.matrices[number]
        source["matrix"] = matrix.tolist() if len(names) <= MOST_CELLS_OF else None
        source["confused"] = _confused(matrix, names)
    unsure = np.argsort(belief.max(1), kind="stable")[:UNSURE]
    unsure = unsure[~np.isin(unsure, answered)]
    per_row = kept.votes.per_row
    row_names = names_of(corrected, unsure)
    rules = one_class_sources(kept.votes)
    nobody = np.zeros(len(rules), bool)
    heard = kept.facts["join"] == "cross_fit"
    repeat = weights_of_alike(kept.votes, rules) < 1 if heard else nobody
    constant = constant_sources(kept.votes, rules) if heard else nobody
    return {
        "join": kept.facts["join"],
        "classifier": kept.facts.get("power"),
        "alpha": facts_of_votes["alpha"],
        "soft": facts_of_votes["soft"],
        "rows_by_votes": facts_of_votes["rows_by_votes"],
        "sources": facts_of_votes["sources"],
        "planted": _planted(kept.facts.get("planted")),
        "wrong": kept.facts.get("wrong"),
        "rules": int(rules.sum()),
        "repeat": _named(kept.votes, repeat),
        "constant": _named(kept.votes, constant),
        "joined": joined(kept.votes, kept.belief.argmax(1)),
        "unsure": [
            {"row": int(row), **name, "votes": int(per_row[row]), "belief": float(belief[row].max())}
            for row, name in zip(unsure, row_names, strict=True)
        ],
        "alone": enough(kept.votes, belief.argmax(1)),
    }


def _named(votes: Votes, which: np.ndarray) -> list[str]:
    return [votes.sources[number] for number in np.flatnonzero(which)]


def _planted(trial: Mapping[str, int] | None) -> PlantedVotes | None:
    if trial is None:
        return None
    count = trial["planted"]
    doubted, stood = metric(trial["doubted"], count), metric(trial["stood"], count)
    return None if doubted is None or stood is None else {"planted": count, "doubted": doubted, "stood": stood}


def joined(votes: Votes, believed: np.ndarray) -> JoinedLabels:
    """Where the class that is believed of each row [N] is not the one that most of its labels say."""
    counts = votes.counts
    most = counts >= counts.max(1, keepdims=True) - 1e-9
    said = counts.sum(1) > 0
    return {
        "labels": int(votes.per_source.sum()),
        "overruled": int((said & ~most[np.arange(len(most)), believed]).sum()),
        "tied": int((said & (most.sum(1) > 1)).sum()),
    }


def in_words(several: SeveralLabels, rows: int) -> str:
    """What joining them has changed, for people."""
    told, sources = several["joined"], len(several["sources"])
    said = f"{told['labels']:,} labels by {sources:,} source{'s' * (sources != 1)} are joined to {rows:,}"
    if told["overruled"]:
        said += f", {told['overruled']:,} of them against most labels of their row"
    if told["tied"]:
        said += f"; on {told['tied']:,} row{'s' * (told['tied'] != 1)} as many spoke for another class"
    return said


def worse_than_all(sources: Sequence[SourceOfLabels]) -> list[tuple[str, RightBySource]]:
    """The names of sources that are right clearly less often than all are together, the whole interval below, and how
    often each is; who is never found wrong is none of them, however few labels make the interval wide."""
    known = [(one["name"], one["votes"], right) for one in sources if (right := one["accuracy"])]
    said = sum(votes for _, votes, _ in known)
    whole = sum(votes * right["value"] for _, votes, right in known) / max(said, 1)
    worse = [(name, right) for name, _, right in known if right["high"] < whole and right["value"] < whole - 1e-9]
    return sorted(worse, key=lambda one: one[1]["high"])


def enough(votes: Votes, believed: np.ndarray, seed: int = 0) -> list[RightByVotes]:
    """Of each number of labels up to the most that `LEAST_ROWS` rows have, how often their majority is the believed
    class [N]: where the figure no longer rises, more labels a row are not worth their cost."""
    place = places_in_row(votes.row, np.random.Generator(np.random.PCG64(seed)))
    per_row = votes.per_row
    right_by_votes: list[RightByVotes] = []
    for number in range(1, int(per_row.max(initial=0)) + 1):
        rows = np.flatnonzero(per_row >= number)
        if len(rows) < LEAST_ROWS:
            break
        counts = votes.part(place < number).counts[rows]
        best = counts >= counts.max(1, keepdims=True) - 1e-9
        right = best[np.arange(len(rows)), believed[rows]] / best.sum(1)
        right_by_votes.append({"votes": number, "right": float(right.mean())})
    return right_by_votes


def enough_in_words(alone: Sequence[RightByVotes]) -> str:
    """What `enough` says, for people; nothing where no rows have a second label."""
    if len(alone) < 2:
        return ""
    told = ", ".join(f"{one['votes']} of them {one['right']:.1%}" for one in alone)
    most = alone[-1]
    least = next(one for one in alone if one["right"] >= most["right"] - NEARLY)
    worth = "each further label still tells something"
    if least["votes"] < most["votes"]:
        worth = f"{least['votes']} a row are nearly as good as {most['votes']}"
    return f"a majority of a row's labels agrees with what all of them say: {told}; {worth}"


def _confused(matrix: np.ndarray, names: list[str]) -> list[Confusion]:
    errs = matrix - np.diag(np.diag(matrix))
    cells = np.argsort(-errs, axis=None, kind="stable")[:CONFUSED]
    pairs = zip(*np.unravel_index(cells, errs.shape), strict=True)
    return [
        {"true": names[true], "said": names[said], "share": float(errs[true, said])}
        for true, said in pairs
        if errs[true, said] > 0
    ]
