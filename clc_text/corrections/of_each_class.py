"""What an audit says of each class of a multi-label run, whose rows are pairs of a text and a class."""

from __future__ import annotations

import numpy as np

from clc_text.artifacts.audit import AuditNoise, ChangesOfAsked, ReadingOfNoise
from clc_text.corrections.intervals import metric
from clc_text.corrections.predictions import Kind
from clc_text.corrections.state import State


def changes_of_each(state: State, asked: list[str]) -> list[ChangesOfAsked]:
    """The entry ``corrections.by_asked``: added where a class was not given, and taken away where it was."""
    entries = []
    for number, name in enumerate(asked):
        part = state.part(np.arange(number, len(state), len(asked)))
        given, label = part.given > 0, part.label > 0
        entry: ChangesOfAsked = {
            "label": name,
            "given": int(given.sum()),
            "added": int((label & ~given).sum()),
            "taken_away": int((given & ~label).sum()),
            "now": int(label.sum()),
            "precision": None,
            "recall": None,
        }
        if part.true is not None:
            known = part.true >= 0
            true = part.true > 0
            changed, wrong = known & (label != given), known & (given != true)
            fixed = int((changed & wrong).sum())
            entry["precision"], entry["recall"] = metric(fixed, int(changed.sum())), metric(fixed, int(wrong.sum()))
        entries.append(entry)
    return entries


def mean_noise(
    noises: list[AuditNoise], asked: list[str], kind: Kind, transition: np.ndarray | None, known_rate: float | None
) -> AuditNoise:
    """Of the entries ``noise`` of all classes the mean, and under ``by_class`` what is each class's own.

    Args:
        kind, transition: of the predictions.
        known_rate: of all classes together.
    """
    intervals = [one["interval"] for one in noises if one["interval"] is not None]
    agreements = [one["agreement"] for one in noises if one["agreement"] is not None]
    return {
        "rate": float(np.mean([one["rate"] for one in noises])),
        "interval": np.mean(intervals, axis=0).tolist() if intervals else None,
        "readings": _mean_readings([one["readings"] for one in noises]),
        "agreement": float(np.mean(agreements)) if agreements else None,
        "rule_like": next((one["rule_like"] for one in noises if one["rule_like"] is not None), None),
        "by_class": [
            {
                "label": name,
                "rate": one["rate"],
                "interval": one["interval"],
                "matrix": one["matrix"],
                "known_rate": one["known_rate"],
            }
            for name, one in zip(asked, noises, strict=True)
        ],
        "matrix": None if transition is None else transition.round(6).tolist(),
        "method": "views" if kind == "views" else "em",
        "predictions": kind,
        "known_rate": known_rate,
    }


def _mean_readings(of_each: list[list[ReadingOfNoise]]) -> list[ReadingOfNoise]:
    """The readings that all classes have, as the mean over them."""
    rates: dict[tuple[str, str], list[float]] = {}
    for one in of_each:
        for reading in one:
            rates.setdefault((reading["of"], reading["method"]), []).append(reading["rate"])
    return [
        {"of": of, "method": method, "rate": float(np.mean(of_classes))}
        for (of, method), of_classes in rates.items()
        if len(of_classes) == len(of_each)
    ]
