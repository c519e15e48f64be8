"""The noise of a dataset's labels, estimated by cross-fitting, for `clc-text noise estimate`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.artifacts.cross_fit import CrossFit, of_rounds
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import KeptVotes
from clc_text.config.recipe import Recipe
from clc_text.corrections.audit_metrics import JUDGES
from clc_text.corrections.predictions import Kind
from clc_text.data.best_classes import some_rows
from clc_text.errors import InputError
from clc_text.evidence.evidence import mixture_of, too_large
from clc_text.evidence.readings import MIXTURE, Reading, readings_and_span
from clc_text.noise.estimation.estimate import NoiseEstimate, estimate
from clc_text.noise.estimation.gain import NOTHING
from clc_text.noise.estimation.probabilities import MOST_CLASSES, count_pairs
from clc_text.noise.estimation.rate_interval import rate_and_interval, rows_that_tell
from clc_text.runs.observer import Observer, Silent
from clc_text.utils.confusions import LISTED, worst
from clc_text.utils.shown import without_controls

if TYPE_CHECKING:
    from clc_text.data.labels import Labels
    from clc_text.runs.prepare import Prepared

RESAMPLINGS = 200

Views = tuple[list[Reading], tuple[float, float]]
"""Their readings, and from where to where these lie."""


@dataclass(frozen=True)
class Estimated:
    """What is found.

    Attributes:
        label_names: [C].
        rows: N without canaries.
        estimates: cross-fitting's own; then those of the literature, on what the same out-of-sample networks predict
            of the given labels, p T. None where the networks have learnt nothing.
        readings: of several views (`clc_text.evidence.readings`), the mean doubt first; none where nothing has been
            learnt, no features are to be had, or all labels of a row judge together with its text.
        interval: of the readings; None without any.
        wrong: where these judge, the least, the expected and the greatest share of wrong labels by them; else None.
        log_likelihood: of the given labels on held-out rows, nats a row: the higher, the more encoder and network
            know, so that either can be chosen without clean labels.
        true_rate: share of wrong labels, where the true ones are known, else None.
        true_matrix: float64 [C, C] likewise, counted.
        each: where several classes may hold, the same of each class by its name; rows are then pairs of a text and a
            class, and the rates those of all pairs.
    """

    label_names: list[str]
    rows: int
    estimates: list[NoiseEstimate]
    log_likelihood: float
    true_rate: float | None
    true_matrix: np.ndarray | None
    readings: list[Reading] = field(default_factory=list)
    interval: tuple[float, float] | None = None
    wrong: tuple[float, float, float] | None = None
    each: dict[str, Estimated] = field(default_factory=dict)


def estimate_of_recipe(recipe: Recipe, observer: Observer | None = None) -> Estimated:
    """Cross-fits the recipe's data with its noise, encoder and network; nothing is kept."""
    from clc_text.runs.build import build_trainer
    from clc_text.runs.prepare import prepare

    observer = observer or Silent()
    prepared = prepare(recipe, observer, cross_fits=True)
    with tempfile.TemporaryDirectory() as folder:
        cross_fit = build_trainer(prepared.recipe, Path(folder), prepared, log=observer.stage).make_cross_fit()
    names = list(prepared.task.label_names)
    observer.stage("judging by other views")
    if prepared.task.asked:
        return _of_each(cross_fit, prepared.labels, list(prepared.task.asked))
    wrong = None if prepared.joined is None else _wrong(prepared.joined.kept)
    views = None if wrong is not None else _views_of(prepared, cross_fit, recipe.seeds.network)
    return _estimated(cross_fit, prepared.labels, names, views, wrong)


def estimate_of_run(directory: Path) -> Estimated:
    """From what the run has cross-fitted already.

    Raises:
        InputError: it has not.
    """
    run = RunDirectory(directory)
    cross_fit = CrossFit.load(run.path)
    if cross_fit is None:
        unfinished = "" if run.complete else "it has not come that far (`--resume` goes on with it), or "
        raise InputError(
            f"{directory} has no out-of-sample predictions: {unfinished}its method does not cross-fit; give its "
            f"recipe instead, {directory}/recipe.yaml",
            where=directory,
        )
    labels = run.labels()
    if run.asked:
        return _of_each(cross_fit, labels, run.asked)
    wrong = _wrong(KeptVotes.load(run.path))
    return _estimated(
        cross_fit, labels, run.label_names, None if wrong is not None else _views_of_run(run, labels), wrong
    )


def _wrong(kept: KeptVotes | None) -> tuple[float, float, float] | None:
    """Of labels that were joined with the texts, what an audit has (`corrections.annotators`)."""
    if kept is None or kept.facts.get("wrong") is None:
        return None
    least, expected, most = kept.facts["wrong"]
    return least, expected, most


def _of_each(cross_fit: CrossFit, labels: Labels, asked: list[str]) -> Estimated:
    """Of the K classes of which several may hold, each by itself, and of all pairs of a text and a class together."""
    known = cross_fit.known_of_given(labels)
    each = {
        name: _estimated(
            cross_fit.of_problem(number),
            labels.of_class(number, len(asked)),
            ["no", "yes"],
            others=False,
            told=None if known is None else (known[0][number], known[1][:, number]),
        )
        for number, name in enumerate(asked)
    }
    counted = [one.true_rate for one in each.values() if one.true_rate is not None]
    estimates = []
    if not cross_fit.learnt_nothing:
        rate, transition = cross_fit.noise_of_given(labels)
        ends = [made.interval for one in each.values() for made in one.estimates]
        low, high = np.mean([one for one in ends if one is not None], axis=0).tolist()
        interval = (low, high)
        if known is not None:
            rate = float(known[1][0].mean())
        estimates = [NoiseEstimate(rate, transition, interval, "em" if known is None else "plateau")]
    fit, sound = cross_fit.facts["log_likelihood"], int((~labels.canary).sum())
    true_rate = float(np.mean(counted)) if counted else None
    return Estimated(["no", "yes"], sound, estimates, fit, true_rate, None, each=each)


def _views_of(prepared: Prepared, cross_fit: CrossFit, seed: int) -> Views | None:
    """Of what a recipe was prepared to; None where there are no features, or too many rows and classes."""
    from clc_text.runs.frozen_features import features_of, words_of
    from clc_text.runs.prepare import shares_told

    labels, classes = prepared.labels, len(prepared.task.label_names)
    try:
        too_large(len(labels.given), classes)
        features = features_of(prepared)
    except InputError:
        return None
    networks = None if cross_fit.learnt_nothing else cross_fit.probs
    shares = shares_told(prepared.recipe, prepared.task)
    mixture = mixture_of(features, labels, classes, seed, networks, words_of(prepared), shares=shares)
    return None if mixture is None else mixture.readings(labels.as_given, rows_that_tell(labels.canary, classes))


def _views_of_run(run: RunDirectory, labels: Labels) -> Views | None:
    """Likewise of a run; one that has not ended has none yet."""
    from clc_text.runs.evidence import views_of_run

    try:
        predictions = views_of_run(run)
    except InputError:
        return None
    if predictions is None or predictions.transition is None:
        return None
    rows = rows_that_tell(labels.canary, predictions.classes)
    log_probs, given = predictions.of(rows), labels.as_given[rows]
    return readings_and_span(
        log_probs, given, predictions.views, predictions.judged(log_probs, given), predictions.shares
    )


def _estimated(
    cross_fit: CrossFit,
    labels: Labels,
    names: list[str],
    views: Views | None = None,
    wrong: tuple[float, float, float] | None = None,
    others: bool = True,
    told: tuple[np.ndarray, np.ndarray] | None = None,
) -> Estimated:
    """Of all rows but the canaries, which the user has not mislabelled.

    Args:
        views, wrong: see `Estimated`.
        others: by other ways, too, of no more than `MOST_CLASSES`.
        told: T, and the rate with its ends, where they were known before there were predictions.
    """
    rows = rows_that_tell(labels.canary, len(names))
    many = len(names) > MOST_CLASSES
    given, probs = labels.given[rows], some_rows(cross_fit.probs, rows)
    true = None if labels.true is None else labels.true[rows]
    estimates = []
    if not cross_fit.learnt_nothing and told is not None:
        rate, low, high = told[1].tolist()
        estimates = [NoiseEstimate(rate, told[0], (low, high), "plateau")]
    elif not cross_fit.learnt_nothing:
        transition = cross_fit.transition_of_given(labels)
        rate, interval = rate_and_interval(
            probs, labels.as_given[rows], transition, RESAMPLINGS, of_rounds(cross_fit.facts), cross_fit.shares
        )
        estimates = [NoiseEstimate(rate, transition, interval, "em")]
    if others and estimates and not many:
        of_given = probs @ transition  # both are for networks that predict given labels; cross-fitting's true ones
        estimates += [estimate(of_given, given, method, RESAMPLINGS) for method in ("confident_joint", "anchor")]
    true_rate = true_matrix = None
    if true is not None and (known := true >= 0).any():
        true_rate = float((given != true)[known].mean())
        counts = count_pairs(true[known], given[known], len(names))
        true_matrix = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    fit = cross_fit.facts["log_likelihood"]
    sound = int((~labels.canary).sum())
    readings, interval = views or ([], None)
    return Estimated(names, sound, estimates, fit, true_rate, true_matrix, readings, interval, wrong)


def _reported(estimated: Estimated) -> tuple[float, tuple[float, float] | None, Kind] | None:
    """The one rate and interval, and by which predictions, as the audit of a run that is corrected by these has them;
    None where nothing has been learnt."""
    if not estimated.estimates:
        return None
    if estimated.wrong is not None:
        least, expected, most = estimated.wrong
        return expected, (least, most), "votes"
    if estimated.readings:
        return estimated.readings[0].rate, estimated.interval, "views"
    return estimated.estimates[0].rate, estimated.estimates[0].interval, "out of sample"


TITLES = {
    "em": "cross-fitting: noise matrix by expectation-maximisation",
    "confident_joint": "confident joint (Northcutt et al. 2021)",
    "anchor": "anchor rows (Patrini et al. 2017)",
}


TITLES_OF_EACH = {
    "em": "by cross-fitting (expectation-maximisation)",
    "plateau": "by where the share of texts that were given it levels off",
}


WHICH = (
    "Matrices are right where labels are wrong whatever the text, and too low where texts make them wrong; the "
    "confident joint is too high where the encoder is weak. The table cannot tell which; a person's look at "
    "100 random rows can."
)


def _title(reading: Reading) -> str:
    if reading.of == MIXTURE and reading.method == "doubt":
        return "mean doubt of all views together"
    if reading.of == MIXTURE and reading.method == "half":
        return "mean doubt of all views together, given labels half trusted"
    whose = "all views together" if reading.of == MIXTURE else f"the view '{reading.of}'"
    return f"{whose}: {'noise matrix' if reading.method == 'em' else 'confident joint'}"


def as_text(estimated: Estimated) -> str:
    """For people: the rates, and the matrix of the first estimate."""
    counted = "counted, since this recipe knows the true labels"
    fit = (
        f"Log-likelihood of the given labels on held-out rows: {estimated.log_likelihood:.3f} nats; the higher, the "
        "better the encoder and the network of the recipe fit the data."
    )
    if not estimated.estimates:
        lines = [
            f"{estimated.rows:,} rows, {len(estimated.label_names)} classes; the share of wrong labels cannot be "
            f"estimated: {NOTHING}; choose a better encoder or a higher learning rate."
        ]
        if estimated.true_rate is not None:
            lines.append(f"  {estimated.true_rate:6.1%}  {counted}")
        return "\n".join([*lines, fit])
    if estimated.each:
        return "\n".join([*_lines_of_each(estimated), "", fit])
    line, reported = f"{estimated.rows:,} rows, {len(estimated.label_names)} classes", _reported(estimated)
    line += "; estimated share of wrong labels"
    alone = reported is None or reported[2] == "out of sample"  # no views, no other labels of a row
    if reported is not None and reported[1] is not None and not alone:
        line += f" between {reported[1][0]:.1%} and {reported[1][1]:.1%}"
    lines = [f"{line}, {JUDGES['out of sample' if reported is None else reported[2]]}:"]
    if estimated.wrong is not None:
        lines.append(f"  {estimated.wrong[1]:6.1%}  expected")
    for reading in estimated.readings:
        lines.append(f"  {reading.rate:6.1%}  {_title(reading)}")
    for one in estimated.estimates:
        # The draw of the rows is the least of what is not known, and beside a range would read as an answer.
        told = one.interval is not None and alone
        interval = f"  (95 %: {one.interval[0]:.1%} to {one.interval[1]:.1%})" if told and one.interval else ""
        lines.append(f"  {one.rate:6.1%}{interval}  {TITLES[one.method]}")
    if estimated.true_rate is not None:
        lines.append(f"  {estimated.true_rate:6.1%}  {counted}")
    lines += [
        "",
        *_matrix_lines([without_controls(name) for name in estimated.label_names], estimated.estimates[0].matrix),
    ]
    lines += ["", fit]
    if estimated.readings:
        lines.append(WHICH)
    elif alone:
        lines.append(
            "The interval of cross-fitting holds the draw of the rows, the sharpness of the predictions and the "
            "networks, the others the draw of the rows alone; none holds how good the encoder is."
        )
    return "\n".join(lines)


def _lines_of_each(estimated: Estimated) -> list[str]:
    """Of a multi-label set: of each class, how often it is left out where it holds, and given where it does not."""
    names = {name: without_controls(name) for name in estimated.each}
    width = max(8, *map(len, names.values()))
    counted = "" if estimated.true_rate is None else f"; counted by the true labels: {estimated.true_rate:.1%}"
    lines = [
        f"{estimated.rows:,} pairs of a text and one of {len(names)} classes; estimated share of wrong labels: "
        f"{estimated.estimates[0].rate:.1%}{_between(estimated.estimates[0])}{counted}",
        "",
        f"in percent, one noise matrix a class, {TITLES_OF_EACH[estimated.estimates[0].method]}",
        f"{'class':<{width}s}  wrong  left out where it holds  given where it does not"
        + ("  wrong, counted" if estimated.true_rate is not None else ""),
    ]
    for name, one in estimated.each.items():
        if not one.estimates:
            lines.append(f"{names[name]:<{width}s}  nothing learnt")
            continue
        made = one.estimates[0]
        line = f"{names[name]:<{width}s}  {100 * made.rate:5.1f}  {100 * made.matrix[1, 0]:23.1f}"
        line += f"  {100 * made.matrix[0, 1]:23.1f}"
        lines.append(line if one.true_rate is None else f"{line}  {100 * one.true_rate:14.1f}")
    return lines


def _between(estimate: NoiseEstimate) -> str:
    return "" if estimate.interval is None else f" ({estimate.interval[0]:.1%} to {estimate.interval[1]:.1%})"


def _matrix_lines(names: list[str], matrix: np.ndarray) -> list[str]:
    """The whole matrix, or of many classes its largest entries beside the diagonal."""
    of = "P(given label | true label) in percent, by cross-fitting"
    width = max(5, *map(len, names))
    if len(names) > LISTED:
        pairs = worst(matrix)
        lines = [f"{of}: the {len(pairs)} largest of the wrong ones (--json has them all)"]
        lines += [
            f"  {100 * matrix[true, given]:5.1f}  {names[true]} given as {names[given]}" for true, given in pairs
        ]
        return lines
    lines = [f"{of}; rows: true, columns: given", " " * width + "".join(f"  {name[:7]:>7s}" for name in names)]
    for name, row in zip(names, matrix, strict=True):
        lines.append(f"{name:<{width}s}" + "".join(f"  {100 * value:7.1f}" for value in row))
    return lines


def as_dict(estimated: Estimated) -> dict[str, Any]:
    reported = _reported(estimated)
    return {
        "rate": None if reported is None else reported[0],
        "interval": None if reported is None else reported[1],
        "predictions": None if reported is None else reported[2],
        "rows": estimated.rows,
        "label_names": estimated.label_names,
        "estimates": [
            {"method": one.method, "rate": one.rate, "interval": one.interval, "matrix": one.matrix.tolist()}
            for one in estimated.estimates
        ],
        "readings": [vars(one) for one in estimated.readings],
        "log_likelihood": estimated.log_likelihood,
        "true_rate": estimated.true_rate,
        "true_matrix": None if estimated.true_matrix is None else estimated.true_matrix.tolist(),
        **({"classes": {name: as_dict(one) for name, one in estimated.each.items()}} if estimated.each else {}),
    }
