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
    cost       {processor_seconds, flops, products_seconds} since the run began, or was resumed: the processors' time
               of its process; floating point operations of the matrix products and convolutions of all training
               steps, of cross-fitting's networks too, but not of predictions; and the seconds that these products take
               by themselves at the rate measured in the first step. The last two are null where they are not known
               (compiled networks; the rate on other devices than processors)

`last10` is the mean over the last ten epochs, the paper's figure for `peers_mean`; epochs of the warm-up are left out
where the method had any. `best_oracle` is the best epoch, which can only be chosen by looking at the test labels: it
is no honest result and is named so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clc_text.artifacts.run_files import Accuracies, CalibrationSummary, Epoch, MeanAccuracy, TrainSummary

LAST = 10


def summarise(entries: Sequence[Epoch]) -> Accuracies | None:
    """The three accuracies of the entries of metrics.jsonl, in percent; None without test rows.

    ``best_oracle`` of `peers_mean` is the best epoch's mean over the peers.
    """
    tested = [entry["test"]["accuracy"] for entry in entries if entry["test"] is not None]
    if not tested:
        return None
    peers = [sum(epoch["peers"]) / len(epoch["peers"]) for epoch in tested]
    ensemble = [epoch["ensemble"] for epoch in tested]
    phases = [entry["phase"] for entry in entries if entry["test"] is not None]
    of_method = [epoch for epoch, phase in enumerate(phases) if phase == "method"]
    last = (of_method or list(range(len(tested))))[-LAST:]  # a run that never left its warm-up has nothing else

    def by(measure: Callable[[list[float]], float]) -> MeanAccuracy:
        return {"peers_mean": measure(peers), "ensemble": measure(ensemble)}

    return {
        "last": by(lambda values: values[-1]),
        "last10": by(lambda values: sum(values[epoch] for epoch in last) / len(last)),
        "best_oracle": by(max),
    }


def calibration_summary(entry: Epoch) -> CalibrationSummary:
    """The calibration errors of an entry of metrics.jsonl; None where the labels to tell them are not known."""
    known = [error for error in entry["train"]["ece"] or [] if error is not None]
    return {
        "test": None if entry["test"] is None else entry["test"]["ece"],
        "train": sum(known) / len(known) if known else None,
    }


def training_summary(entry: Epoch, rows: int, given_right: int | None) -> TrainSummary:
    """What the last epoch did to the training labels, as the mean over the peers."""

    def mean(values: list[int] | None) -> float | None:
        return None if values is None else sum(values) / len(values)

    train = entry["train"]
    fixed, broken = mean(train["fixed"]), mean(train["broken"])
    return {
        "rows": rows,
        "changed": mean(train["changed"]),
        "fixed": fixed,
        "broken": broken,
        "missed": mean(train["missed"]),
        "given_right": given_right,
        "target_right": None
        if given_right is None or fixed is None or broken is None
        else given_right + fixed - broken,
    }
