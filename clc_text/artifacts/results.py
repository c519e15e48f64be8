"""result.json: the figures of a run that has ended. Its keys are an interface that other programs read.

    method, dataset, recipe, run_id
    noise      {name, rate, realised_rate}
    seeds      {data, noise, network}
    epochs, seconds, peers
    accuracy   {last, last10, best_oracle}, each {peers_mean, ensemble} in percent; null without test rows
    train      {rows, changed, fixed, broken, missed, given_right, target_right} at the last epoch; null where unknown
    ece        {test, train}, calibration errors at the last epoch, 0 … 1: of the ensemble on the test rows, and the
               peers' mean on the training rows whose true label is known; null where not known
    temperature  [P], see `EpochResult`; null where the method has none
    multi_label  {f1_micro, f1_macro, average_precision, subset_accuracy} of the ensemble on the test texts at the last
               epoch, in percent; only where several classes may hold, and `accuracy` is then that of pairs of a text
               and a class
    warnings   names of what was noticed that makes the result doubtful

`last10` is the mean over the last ten epochs, the paper's figure for `peers_mean`; epochs of the warm-up are left out
where the method had any. `best_oracle` is the best epoch, which can only be chosen by looking at the test labels: it
is no honest result and is named so.
"""

from __future__ import annotations

from typing import Any

LAST = 10


def summarise(entries: list[dict[str, Any]]) -> dict[str, dict[str, float]] | None:
    """The three accuracies of the entries of metrics.jsonl, in percent; None without test rows.

    ``best_oracle`` of `peers_mean` is the best epoch's mean over the peers.
    """
    tested = [entry["test"]["accuracy"] for entry in entries if entry["test"] is not None]
    if not tested:
        return None
    series = {
        "peers_mean": [sum(epoch["peers"]) / len(epoch["peers"]) for epoch in tested],
        "ensemble": [epoch["ensemble"] for epoch in tested],
    }
    phases = [entry["phase"] for entry in entries if entry["test"] is not None]
    of_method = [epoch for epoch, phase in enumerate(phases) if phase == "method"]
    last = (of_method or list(range(len(tested))))[-LAST:]  # a run that never left its warm-up has nothing else
    return {
        "last": {name: values[-1] for name, values in series.items()},
        "last10": {name: sum(values[epoch] for epoch in last) / len(last) for name, values in series.items()},
        "best_oracle": {name: max(values) for name, values in series.items()},
    }


def calibration_summary(entry: dict[str, Any]) -> dict[str, float | None]:
    """The calibration errors of an entry of metrics.jsonl; None where the labels to tell them are not known."""
    known = [error for error in entry["train"]["ece"] or [] if error is not None]
    return {
        "test": None if entry["test"] is None else entry["test"]["ece"],
        "train": sum(known) / len(known) if known else None,
    }


def training_summary(entry: dict[str, Any], rows: int, given_right: int | None) -> dict[str, Any]:
    """What the last epoch did to the training labels, as the mean over the peers."""

    def mean(values: list[int] | None) -> float | None:
        return None if values is None else sum(values) / len(values)

    train = entry["train"]
    found: dict[str, Any] = {"rows": rows}
    found |= {name: mean(train[name]) for name in ("changed", "fixed", "broken", "missed")}
    found["given_right"] = given_right
    found["target_right"] = None if given_right is None else given_right + found["fixed"] - found["broken"]
    return found
