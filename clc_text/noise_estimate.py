"""The noise of a dataset's labels, estimated by cross-fitting, for `clc-text noise estimate`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.crossfit.gain import NOTHING
from clc_text.errors import InputError
from clc_text.noise.estimate import NoiseEstimate, estimate
from clc_text.noise.probabilities import count_pairs
from clc_text.observer import Observer, Silent
from clc_text.recipe import Recipe
from clc_text.shown import without_controls

if TYPE_CHECKING:
    from clc_text.crossfit.result import CrossFit
    from clc_text.run_directory import Labels

RESAMPLINGS = 200


@dataclass(frozen=True)
class Estimated:
    """What is found.

    Attributes:
        label_names: [C].
        rows: N without canaries.
        estimates: the first is the one to use, cross-fitting's own; then those of the literature, on what the same
            out-of-sample networks predict of the given labels, p T. None where the networks have learnt nothing.
        log_likelihood: of the given labels on held-out rows, nats a row: the higher, the more encoder and network
            know, so that either can be chosen without clean labels.
        true_rate: share of wrong labels, where the true ones are known, else None.
        true_matrix: float64 [C, C] likewise, counted.
    """

    label_names: list[str]
    rows: int
    estimates: list[NoiseEstimate]
    log_likelihood: float
    true_rate: float | None
    true_matrix: np.ndarray | None


def estimate_of_recipe(recipe: Recipe, observer: Observer | None = None) -> Estimated:
    """Cross-fits the recipe's data with its noise, encoder and network; nothing is kept."""
    from clc_text.build import build_trainer
    from clc_text.crossfit.fold_trainer import cross_fit_of
    from clc_text.prepare import prepare

    observer = observer or Silent()
    prepared = prepare(recipe, observer)
    with tempfile.TemporaryDirectory() as folder:
        found = cross_fit_of(build_trainer(prepared.recipe, Path(folder), prepared, say=observer.stage))
    return _estimated(found, prepared.labels, list(prepared.task.label_names))


def estimate_of_run(directory: Path) -> Estimated:
    """From what the run has cross-fitted already.

    Raises:
        InputError: it has not.
    """
    from clc_text.crossfit.result import CrossFit
    from clc_text.run_directory import RunDirectory

    run = RunDirectory(directory)
    found = CrossFit.load(run.path)
    if found is None:
        unfinished = "" if run.complete else "it has not come that far (`--resume` goes on with it), or "
        raise InputError(
            f"{directory} has no out-of-sample predictions: {unfinished}its method does not cross-fit; give its "
            f"recipe instead, {directory}/recipe.yaml"
        )
    return _estimated(found, run.labels(), run.label_names)


def _estimated(found: CrossFit, labels: Labels, names: list[str]) -> Estimated:
    """Of all rows but the canaries, which the user has not mislabelled."""
    from clc_text.crossfit.noise_fit import rate_interval

    rows = ~labels.canary
    given, probs = labels.trained[rows], found.probs[rows]
    true = None if labels.true is None else labels.true[rows]
    estimates = []
    if not found.learnt_nothing:
        rate, transition = found.noise_of_given(labels)
        estimates = [NoiseEstimate(rate, transition, rate_interval(probs, given, transition, RESAMPLINGS), "em")]
        # Both are made for networks that predict the given labels; cross-fitting's predict the true ones.
        of_given = probs @ transition
        estimates += [estimate(of_given, given, method, RESAMPLINGS) for method in ("confident_joint", "anchor")]
    true_rate = true_matrix = None
    if true is not None and (known := true >= 0).any():
        true_rate = float((given != true)[known].mean())
        counts = count_pairs(true[known], given[known], len(names))
        true_matrix = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return Estimated(names, len(given), estimates, found.facts["log_likelihood"], true_rate, true_matrix)


TITLES = {
    "em": "cross-fitting: noise matrix by expectation-maximisation",
    "confident_joint": "confident joint (Northcutt et al. 2021)",
    "anchor": "anchor rows (Patrini et al. 2017)",
}


def as_text(found: Estimated) -> str:
    """For people: the rates, and the matrix of the first estimate."""
    counted = "counted, since this recipe knows the true labels"
    fit = (
        f"Log-likelihood of the given labels on held-out rows: {found.log_likelihood:.3f} nats; the higher, the "
        "better the encoder and the network of the recipe fit the data."
    )
    if not found.estimates:
        lines = [
            f"{found.rows:,} rows, {len(found.label_names)} classes; the share of wrong labels cannot be estimated: "
            f"{NOTHING}; choose a better encoder or a higher learning rate."
        ]
        if found.true_rate is not None:
            lines.append(f"  {found.true_rate:6.1%}  {counted}")
        return "\n".join([*lines, fit])
    lines = [f"{found.rows:,} rows, {len(found.label_names)} classes; estimated share of wrong labels:"]
    for one in found.estimates:
        interval = "" if one.interval is None else f"  (95 %: {one.interval[0]:.1%} to {one.interval[1]:.1%})"
        lines.append(f"  {one.rate:6.1%}{interval}  {TITLES[one.method]}")
    if found.true_rate is not None:
        lines.append(f"  {found.true_rate:6.1%}  {counted}")
    lines += ["", "P(given label | true label) in percent, by cross-fitting; rows: true, columns: given"]
    names = [without_controls(name) for name in found.label_names]
    width = max(5, *map(len, names))
    lines.append(" " * width + "".join(f"  {name[:7]:>7s}" for name in names))
    for name, row in zip(names, found.estimates[0].matrix, strict=True):
        lines.append(f"{name:<{width}s}" + "".join(f"  {100 * value:7.1f}" for value in row))
    lines += ["", fit]
    lines.append("The interval says how much the draw of the rows matters, not how good the predictions are.")
    return "\n".join(lines)


def as_dict(found: Estimated) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "label_names": found.label_names,
        "estimates": [
            {"method": one.method, "rate": one.rate, "interval": one.interval, "matrix": one.matrix.tolist()}
            for one in found.estimates
        ],
        "log_likelihood": found.log_likelihood,
        "true_rate": found.true_rate,
        "true_matrix": None if found.true_matrix is None else found.true_matrix.tolist(),
    }
