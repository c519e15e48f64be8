"""Making the evidence of all rows: in blocks, so that only a few numbers a row are kept.

The belief in class c of a row with prediction p (the mean of the peers' probabilities) and given label y is

    q(c) ∝ p(c) · T[c, y]

with T the noise matrix, found by cross-fitting or else estimated by expectation-maximisation from the same predictions
(`clc_text.noise`), or q = p where a policy does without it. For a canary whose flipped label the networks were trained
on, p is taken without that class. Where several views judge, p is their pool, and q and the doubt are the mixture's
(`clc_text.evidence.mixture`); T is then what q says of the labels of each class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clc_text.corrections.dataset_files import Progress, silent
from clc_text.corrections.evidence import Evidence, entropy_of
from clc_text.corrections.policy import Policy
from clc_text.corrections.predictions import RowPredictions
from clc_text.data.class_shares import weighed
from clc_text.data.labels import Labels, classes_of
from clc_text.data.sampling import every_nth
from clc_text.evidence.mixture import Judged, judge, pool_probs
from clc_text.noise.canaries import after_flips, before_flips
from clc_text.noise.estimation.expectation_maximisation import em_matrix
from clc_text.noise.estimation.half_trust import ROOM
from clc_text.noise.estimation.noise_fit import counts_by, posterior_labels, shrunk

MATRIX_ROWS = 100_000  # T is estimated from every n-th row of larger datasets


@dataclass(frozen=True)
class Gathered:
    """The evidence of a run.

    Attributes:
        rows: of all N rows against their given labels.
        canaries: of the canaries alone, as if their flipped label were the given one; None without any.
        matrix: float64 [C, C] or None, the noise matrix that was used.
        agree_with_given: share of rows whose predicted class is the given label.
        mean_confidence: of the predictions' first class.
    """

    rows: Evidence
    canaries: Evidence | None
    matrix: np.ndarray | None
    agree_with_given: float
    mean_confidence: float


def gather(predictions: RowPredictions, labels: Labels, policy: Policy, progress: Progress = silent) -> Gathered:
    """What a policy has to know of every row.

    Reads all predictions once, and a sample of them before that where the policy wants the noise matrix.
    """
    if predictions.asked:
        return _of_each_class(predictions, labels, policy, progress)
    count = predictions.rows
    near = predictions.kind == "views" and not predictions.pool  # noise is more than a matrix
    counts = np.zeros((predictions.classes, predictions.classes)) if near else np.zeros(0)
    wanted = policy.noise_matrix or predictions.kind == "views"
    matrix = noise_matrix_of(predictions, labels) if wanted and not near else None
    of_canaries = matrix
    if predictions.pool and matrix is not None:  # of a class that is only left out, those given it have no room
        of_canaries = after_flips(matrix, float(labels.canary.mean()))
    rows = Evidence.empty(count)
    canaries = Evidence.empty(int(labels.canary.sum())) if labels.canary.any() else None
    done = agree = 0
    confidence = 0.0
    for start, log_probs in predictions.blocks():
        part = slice(start, start + log_probs.shape[1])
        probs = pooled(predictions, log_probs)
        given, trained, canary = labels.given[part], labels.trained[part], labels.canary[part]
        said = labels.as_given[part]
        agree += int((probs.argmax(1) == given).sum())
        confidence += float(probs.max(1).sum())
        if canaries is not None and canary.any():
            of_flipped = _evidence(
                predictions, log_probs[:, canary], probs[canary], trained[canary], of_canaries, policy
            )
            canaries.put(slice(done, done + int(canary.sum())), of_flipped)
            done += int(canary.sum())
            if predictions.kind == "in sample":
                probs[canary] = _without(probs[canary], trained[canary], given[canary])
        if near:
            judged = _judged(predictions, log_probs, said, matrix, policy)
            counts += counts_by(judged.belief, said)
            rows.put(part, Evidence.of_views(judged, probs))
        else:
            rows.put(part, _evidence(predictions, log_probs, probs, said, matrix, policy))
        progress("reading predictions", part.stop, count)
    return Gathered(rows, canaries, shrunk(counts) if near else matrix, agree / count, confidence / count)


def _of_each_class(predictions: RowPredictions, labels: Labels, policy: Policy, progress: Progress) -> Gathered:
    """Of pairs of a text and a class: every class is judged by itself."""
    asked = predictions.asked
    parts = [gather(predictions.problem(one), labels.of_class(one, asked), policy, progress) for one in range(asked)]
    rows = Evidence.empty(predictions.rows)
    for one, part in enumerate(parts):
        rows.put(slice(one, None, asked), part.rows)
    canaries = None
    if labels.canary.any():
        canaries = Evidence.empty(int(labels.canary.sum()))
        of_class = np.flatnonzero(labels.canary) % asked
        for one, part in enumerate(parts):
            if part.canaries is not None:
                canaries.put(of_class == one, part.canaries)
    return Gathered(
        rows,
        canaries,
        predictions.transition if policy.noise_matrix or predictions.kind == "views" else None,
        float(np.mean([part.agree_with_given for part in parts])),
        float(np.mean([part.mean_confidence for part in parts])),
    )


def noise_matrix_of(predictions: RowPredictions, labels: Labels) -> np.ndarray:
    """float64 [C, C], T of the given labels, without what the canaries' flips add to it: of the cross-fitting, or by
    expectation-maximisation from a sample of the other rows."""
    if predictions.kind == "views" and predictions.transition is not None:
        return predictions.transition
    if predictions.transition is not None:
        return before_flips(predictions.transition, float(labels.canary.mean()))
    rows = np.arange(predictions.rows)[every_nth(predictions.rows, MATRIX_ROWS)]
    rows = rows[~labels.canary[rows]]
    return em_matrix(probs_of(predictions, rows), labels.given[rows], sharpen=1.0)


def probs_of(predictions: RowPredictions, rows: np.ndarray) -> np.ndarray:
    """float64 [n, C], the mean probabilities of some rows, by their numbers in rising order."""
    probs = np.empty((len(rows), predictions.classes))
    for start, log_probs in predictions.blocks():
        inside = np.flatnonzero((rows >= start) & (rows < start + log_probs.shape[1]))
        probs[inside] = pooled(predictions, log_probs[:, rows[inside] - start])
    return probs


def pooled(predictions: RowPredictions, log_probs: np.ndarray) -> np.ndarray:
    """float64 [n, C], one prediction a row of log-probabilities [P, n, C]: the peers' mean, or the views' pool."""
    if predictions.kind == "views":
        probs = pool_probs(log_probs, predictions.weights, predictions.sharpness, predictions.bias)
        return probs if predictions.prior_weights is None else weighed(probs, predictions.prior_weights)
    return mean_of_peers(log_probs)


def mean_of_peers(log_probs: np.ndarray) -> np.ndarray:
    """float64 [n, C], the ensemble's probabilities, of log-probabilities [P, n, C]; each row sums to 1."""
    probs = np.exp(log_probs.astype(np.float64)).mean(0)
    return probs / probs.sum(1, keepdims=True)


def _without(probs: np.ndarray, planted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Probabilities [n, C] without the class that was planted; where it had all of them, the given class has."""
    each = np.arange(len(probs))
    probs[each, planted] = 0.0
    empty = probs.sum(1) < 1e-30
    probs[each[empty], given[empty]] = 1.0
    return probs / probs.sum(1, keepdims=True)


def judged_by(
    policy: Policy,
    log_probs: np.ndarray,
    weights: np.ndarray,
    given: np.ndarray,
    sharpness: float,
    matrix: np.ndarray,
    bias: np.ndarray | None,
) -> Judged:
    """What views say of one class among several, whose noise is known, and that there is room for it in place of their
    agreement where a policy asks for that; arguments as `judge`. A label counts for less than half only where the
    noise leaves room for it."""
    judged = judge(log_probs, weights, given, sharpness, matrix, bias, ROOM)
    if policy.room:
        judged = replace(judged, agree=matrix[judged.suggested, classes_of(given)] >= ROOM)
    return judged


def _judged(
    predictions: RowPredictions, log_probs: np.ndarray, given: np.ndarray, matrix: np.ndarray | None, policy: Policy
) -> Judged:
    """By views, of given labels int64 [n] or float [n, C] of a block of them [V, n, C]."""
    if not predictions.pool:
        return predictions.judged(log_probs, given)
    assert matrix is not None
    shares, sharpness = predictions.weights, predictions.sharpness
    return judged_by(policy, log_probs, shares, given, sharpness, matrix, predictions.bias)


def _evidence(
    predictions: RowPredictions,
    log_probs: np.ndarray,
    probs: np.ndarray,
    given: np.ndarray,
    matrix: np.ndarray | None,
    policy: Policy,
) -> Evidence:
    if len(probs) == 0:
        return Evidence.empty(0)
    if predictions.kind == "views":
        return Evidence.of_views(_judged(predictions, log_probs, given, matrix, policy), probs)
    belief = probs if matrix is None else posterior_labels(probs, given, matrix)
    each, named = np.arange(len(probs)), classes_of(given)
    others = belief.copy()
    others[each, named] = -1
    suggested = others.argmax(1)
    firsts = log_probs.argmax(2)
    return Evidence(
        suggested=suggested.astype(np.int32),
        confidence=belief[each, suggested].astype(np.float32),
        probability_given=belief[each, named].astype(np.float32),
        entropy=entropy_of(probs),
        peers_agree=(firsts == firsts[0]).all(0),
    )
