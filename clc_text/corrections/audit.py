"""How far a run's corrections can be trusted: `RUN/audit.json`, made by `clc-text audit RUN`.

Its keys are an interface that the report and the dataset card read, kept stable by a test. Rates and shares are
0 … 1; `null` stands where something is not known. A *metric* is ``{"value", "low", "high", "count", "of"}``: a share
with its 95 % Wilson interval, and the two whole numbers that it is the quotient of; ``null`` where `of` is 0.

    version            7 (in 1 the canaries' inferred figures were of another kind, 2 did not say of which labels, 3
                       had no readings, 4 no answers, 5 no look at rules, 6 no slips)
    run_id, recipe, dataset, method
    step               of the corrected dataset that was judged
    labels_sha256      of its labels and of who said each (see `labels_mark`): counts alone stay as they are where
                       other answers take the place of some
    rows               N
    label_names        [C]
    policy             one sentence: by which rule labels were changed (see `clc_text.corrections.policy`)
    predictions        {"kind": "in sample" | "out of sample" | "views" | "votes", "views": [names],
                        "folds": int | null, "agree_with_given": share of rows
                       whose predicted class is the given label, "confidence": mean, "entropy": mean, nats}
    labels             {"given", "method", "person"}: rows by who said the current label; they sum to `rows`
    asked              of a multi-label run (absent otherwise): its K classes. Rows are pairs of a text and a class,
                       the labels no and yes; `corrections.by_asked` has [{"label", "given", "added", "taken_away",
                       "now", "precision", "recall": metrics of its changes | null}], `noise.by_class` [{"label",
                       "rate", "interval", "matrix", "known_rate"}], of which the others in `noise` are the mean, and
                       there is no second opinion
    corrections        {"rows", "share": of all rows,
                        "by_class": [{"label", "given": rows given so, "changed": of these, "share",
                                      "gained": rows changed into it, "now": rows that have it now}] in class order,
                        "pairs": [{"given", "label", "rows"}] most frequent first}
    noise              {"rate", "interval": [low, high] | null (of views: from the lowest to the highest reading, of
                        cross-fitted networks see `clc_text.noise.estimation.rate_interval`, else what the draw of the
                        rows matters), "readings": [{"of", "method", "rate"}] of views (see
                       `clc_text.evidence.readings`), "agreement": of views, the mean share of rows on whose class two
                       of them agree | null, "rule_like": {"words", "others"} | null, shares of the labels that views
                       foretell, where these look made by a rule (`clc_text.evidence.rules`), "told_wrong": the
                       least share that has to be wrong by what was told of the classes' shares (absent where nothing
                       was),
                        "matrix": [C][C] (row = true class, column = given) | null (of more than 1,000 classes),
                        "method", "predictions": as `predictions.kind` (in sample the rate is too low, since networks
                       repeat labels that they were trained on), "known_rate": share of wrong given labels where the
                       true ones are known | null,
                        "nothing_learnt": bool: cross-fitted networks foretell no label, so that rate, interval and
                        matrix say nothing, and nothing is changed}
    canaries, truth    null where none were planted, and where no true labels are known; else what
                       `clc_text.corrections.audit_metrics` says of them, metrics and whole numbers. Of the canaries
                       "recall", "precision_adjusted" and "false_correction_rate" are inferred, {"value", "low",
                       "high"} | null (`clc_text.corrections.canary_metrics`), as where the noise rate has no interval;
                       the last two null where changes of the policy have been taken back: of a chosen part nothing is
                       known
    person             {"answers", "kept_given", "took_suggestion", "other"}: what people answered
    answers            null without an answer to a row drawn at random, else, by those
                       {"answers", "random": of them drawn at random, "right_before", "right_after": shares of right
                        labels, given and as the policy leaves them (null where that is not known), "gain": after less
                        before, {"value", "low", "high"} | null, "changed", "fixed", "broken": of these rows by the
                        policy, "by_class": [{"label": given, "right_before", "right_after"}] of classes with enough of
                        them}; such a share is {"value", "low", "high", "random", "answers"} and holds of all
                       rows (`clc_text.corrections.asking.shares`), each answer counted as right. "slips": what it may
                       be where some are not, {"most": share of the answers that are, "right_before", "right_after":
                       [low, high], after | null; "rows" drawn at random that were answered more than once, "differ" of
                       them, "rate": by these, {"value", "low", "high"} | null, whose high end is `most`}
                       (`clc_text.corrections.asking.slips`)
    second_opinion     null without cleanlab and with several labels a row, else, of the rows that are no canaries,
                       {"library", "version", "issues": rows that it doubts,
                        "changed_and_doubted", "changed_only", "doubted_only", "kappa": Cohen's of the two decisions,
                        "truth": null | {"fixed", "broken", "right_after": metric} if each issue took its prediction}
    several_labels     where the rows have several labels each (absent with one): see `clc_text.corrections.annotators`
    notices            [{"name", "severity": "warning" | "note", "epoch", "message"}], of the run (see `notices.json`)
    verdict            {"trust": "trust" | "look first" | "do not use",
                        "little_to_correct": bool,
                        "summary": one or two sentences for people,
                        "reasons": [sentences], "basis": "true labels" | "answers" | "canaries" |
                        "estimates"}
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from clc_text.artifacts.audit import (
    AnswerMetrics,
    Audit,
    AuditNoise,
    CanaryMetrics,
    ClassChanges,
    Corrections,
    PersonCounts,
    TruthMetrics,
)
from clc_text.artifacts.cross_fit import has_learnt_nothing, rates_of_rounds, rates_told
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.annotators import several_labels
from clc_text.corrections.asking.asked import read_asked
from clc_text.corrections.asking.metrics import answer_metrics
from clc_text.corrections.audit_metrics import Seen, entry
from clc_text.corrections.canary_metrics import CanaryCounts
from clc_text.corrections.gather import pooled, probs_of
from clc_text.corrections.of_each_class import changes_of_each, mean_noise
from clc_text.corrections.outcome import outcome
from clc_text.corrections.policy import policy_of
from clc_text.corrections.predictions import RowPredictions, in_sample, out_of_sample, views
from clc_text.corrections.second_opinion import second_opinion
from clc_text.corrections.state import GIVEN, PERSON, State
from clc_text.corrections.store import Corrected
from clc_text.corrections.verdict import verdict
from clc_text.data.labels import Labels, classes_of
from clc_text.errors import InputError
from clc_text.evidence.readings import agreement, readings_and_span
from clc_text.evidence.rules import rule_like
from clc_text.noise.canaries import before_flips
from clc_text.noise.estimation.estimate import estimate
from clc_text.noise.estimation.noise_fit import matrix_of
from clc_text.noise.estimation.plateau import of_given
from clc_text.noise.estimation.probabilities import MOST_CLASSES
from clc_text.noise.estimation.rate_interval import rate_and_interval, rows_that_tell
from clc_text.utils.files import sha256_of_file, write_json

VERSION = 7


def audit(corrected: Corrected, bootstrap: int = 200) -> Audit:
    """Judges the corrected dataset as it is now (see `judge`), and writes RUN/audit.json."""
    audited = judge(corrected, bootstrap)
    write_json(corrected.run.file("audit.json"), audited)
    return audited


def judge(corrected: Corrected, bootstrap: int = 200) -> Audit:
    """What audit.json says of the corrected dataset as it is now; nothing is written.

    Args:
        bootstrap: resamplings for the interval of the noise rate; 0: no interval, and of networks alone nothing that
            canaries imply, which stands on it.

    Raises:
        InputError: the predictions have changed since the corrected dataset was made.
    """
    run, state, facts = corrected.run, corrected.state(), corrected.facts
    labels = run.labels()
    used = _predictions(corrected)
    best = used if used.kind == "views" else out_of_sample(run) or used
    several = several_labels(corrected, state)
    opinion = None
    if best.asked:
        noise = _noise_of_each(best, labels, state, bootstrap, run)
    else:
        noise, probs, kept = _judged(best, labels, state, bootstrap, rates_of_rounds(run.path))
        opinion = None if several else second_opinion(probs, state.part(kept))
    noise["nothing_learnt"] = bool(facts.get("nothing_learnt", has_learnt_nothing(run.path)))
    if best.shares is not None and run.recipe().get("class_shares") is not None:
        noise["told_wrong"] = best.shares.least_wrong(labels.as_given[labels.sound])
    corrections = _corrections(state, facts["label_names"])
    if run.asked:
        corrections["by_asked"] = changes_of_each(state, run.asked)
    seen = _seen(facts, noise, state, labels.canary)
    canaries: CanaryMetrics | None = entry("canaries", seen)
    truth: TruthMetrics | None = entry("truth", seen)
    answers = _answers(corrected, state, labels)
    notices = run.notices()
    if several is not None and several["wrong"] is not None:
        low, noise["rate"], high = several["wrong"]
        noise["interval"] = [low, high]
    content: Any = {
        "version": VERSION,
        "run_id": run.run_id,
        "recipe": facts["recipe"],
        "dataset": facts["dataset"],
        "method": run.environment()["method"]["name"],
        **labels_mark(facts["step"], state),
        "rows": len(state),
        "label_names": facts["label_names"],
        **({"asked": run.asked} if run.asked else {}),
        "policy": facts["policy"]["sentence"],
        "predictions": facts["predictions"],
        "labels": state.counts,
        "corrections": corrections,
        "noise": noise,
        "canaries": canaries,
        "truth": truth,
        "person": _person(state),
        "answers": answers,
        "second_opinion": opinion,
        "notices": notices,
        "verdict": verdict(corrections, noise, canaries, truth, notices, answers, several),
    } | ({} if several is None else {"several_labels": several})
    made: Audit = content
    return made


def _judged(
    best: RowPredictions, labels: Labels, state: State, bootstrap: int, rounds: list[float]
) -> tuple[AuditNoise, np.ndarray, np.ndarray]:
    """The entry ``noise``, and probabilities [n, C] of the rows [n], none of them a canary, that it was made of."""
    rows = rows_that_tell(labels.canary, best.classes)
    given = labels.as_given[rows]
    matrix = None if best.transition is None else before_flips(best.transition, float(labels.canary.mean()))
    if best.kind == "views":
        log_probs = best.of(rows)
        probs = pooled(best, log_probs)
        noise = _noise_of_views(best, log_probs, given, state)
    else:
        probs = probs_of(best, rows)
        noise = _noise(best, matrix, probs, given, state, bootstrap, rounds)
        if best.ahead is not None:
            noise["ahead"] = best.ahead
    return noise, probs, rows


def labels_mark(step: int, state: State) -> dict[str, Any]:
    """What tells one state of a corrected dataset from every other: ``step`` and ``labels_sha256``."""
    digest = hashlib.sha256(state.label.astype("<i4").tobytes())
    digest.update(state.source.astype("<i1").tobytes())
    return {"step": step, "labels_sha256": digest.hexdigest()}


def _predictions(corrected: Corrected) -> RowPredictions:
    """Those that the corrected dataset was made from."""
    run = corrected.run
    kind = corrected.facts["predictions"]["kind"]
    blind = kind in ("out of sample", "votes")
    out = views(run) if kind == "views" else out_of_sample(run) if blind else in_sample(run)
    if out is None or sha256_of_file(out.path) != corrected.facts["sha256"]["predictions"]:
        raise InputError(
            f"the predictions of {run.path} are no longer those that {corrected.path} was made from; make it anew "
            f"with `clc-text correct {run.path}`",
            where=run.path,
        )
    return out


def _noise(
    best: RowPredictions,
    matrix: np.ndarray | None,
    probs: np.ndarray,
    given: np.ndarray,
    state: State,
    bootstrap: int,
    rounds: list[float],
) -> AuditNoise:
    """
    Args:
        probs: [n, C], the best there are, of some rows, none of them a canary.
        given: what these were given: [n] or [n, C].
        matrix: where cross-fitting found one.
        rounds: the rate by each of its rounds alone (`rates_of_rounds`).
    """
    many = best.classes > MOST_CLASSES
    interval: tuple[float, float] | None
    if best.rates is not None:
        rate, low, high = best.rates.tolist()
        interval, matrix, method = (low, high), best.transition, "em"
    elif matrix is None and not many:
        made = estimate(probs, classes_of(given), "confident_joint", bootstrap)
        rate, interval, matrix = made.rate, made.interval, made.matrix
        method = "confident_joint"
    else:
        rate, interval = rate_and_interval(probs, given, matrix, bootstrap, rounds, best.shares)
        method = "doubt" if many else "em"
    return {
        "rate": rate,
        "interval": None if interval is None else list(interval),
        "matrix": None if many or matrix is None else matrix.round(6).tolist(),
        "method": method,
        "readings": [],
        "agreement": None,
        "rule_like": None,
        "predictions": best.kind,
        "known_rate": _known_rate(state),
    }


def _noise_of_views(predictions: RowPredictions, log_probs: np.ndarray, given: np.ndarray, state: State) -> AuditNoise:
    """By all readings of what views say, [P, n, C], of some rows, none a canary, and of what these were given."""
    by_rule = rule_like(log_probs, classes_of(given), predictions.views, predictions.left_out)
    if predictions.rates is None:
        judged = predictions.judged(log_probs, given)
        of_views, (low, high) = readings_and_span(log_probs, given, predictions.views, judged, predictions.shares)
        rate = of_views[0].rate
        matrix = matrix_of(judged.belief, given)
    else:  # known before there were views, of which none may change it or say another
        of_views, matrix = [], predictions.noise.transition
        rate, low, high = predictions.rates.tolist()
    noise: AuditNoise = {
        "rate": rate,
        "interval": [low, high],
        "readings": [{"of": one.of, "method": one.method, "rate": one.rate} for one in of_views],
        "agreement": agreement(log_probs),
        "rule_like": None if by_rule is None else {"words": by_rule.words, "others": by_rule.others},
        "matrix": matrix.round(6).tolist(),
        "method": "views",
        "predictions": predictions.kind,
        "known_rate": _known_rate(state),
    }
    if predictions.rates is None and predictions.ahead is not None:
        noise["ahead"] = predictions.ahead
    return noise


def _noise_of_each(
    best: RowPredictions, labels: Labels, state: State, bootstrap: int, run: RunDirectory
) -> AuditNoise:
    """The entry ``noise`` of a multi-label run: every class by itself, and the mean over them."""
    asked, share, transition = run.asked, float(labels.canary.mean()), best.transition
    if best.kind != "views":
        transition = None if transition is None else before_flips(transition, share)
        rates = rates_told(run.path) if best.kind == "out of sample" else None
        if rates is not None and best.each is not None:  # known before there were networks, as `noise estimate` has it
            each, rates = of_given(best.each, rates, share)
            best = replace(best, each=each, rates=rates)
    rounds, noises = rates_of_rounds(run.path), []
    for number in range(len(asked)):
        alone, part = best.problem(number), state.part(np.arange(number, len(state), len(asked)))
        noises.append(_judged(alone, labels.of_class(number, len(asked)), part, bootstrap, rounds)[0])
    return mean_noise(noises, asked, best.kind, transition, _known_rate(state))


def _known_rate(state: State) -> float | None:
    known = None if state.true is None else state.true >= 0
    return None if known is None else float((state.given != state.true)[known].mean())


def _corrections(state: State, names: list[str]) -> Corrections:
    classes = len(names)
    changed = state.changed
    pairs, times = np.unique(
        state.given[changed].astype(np.int64) * classes + state.label[changed], return_counts=True
    )
    order = np.argsort(-times, kind="stable")
    return {
        "rows": int(changed.sum()),
        "share": float(changed.mean()),
        "by_class": class_changes(state.given, state.label, names),
        "pairs": [
            {"given": names[pair // classes], "label": names[pair % classes], "rows": int(rows)}
            for pair, rows in zip(pairs[order].tolist(), times[order].tolist(), strict=True)
        ],
    }


def class_changes(given: np.ndarray, label: np.ndarray, names: list[str]) -> list[ClassChanges]:
    """The entry ``corrections.by_class``, from given and current classes [N]."""
    classes, changed = len(names), label != given
    of_class, now = np.bincount(given, minlength=classes), np.bincount(label, minlength=classes)
    left, gained = (np.bincount(one[changed], minlength=classes) for one in (given, label))
    return [
        {
            "label": name,
            "given": int(of_class[index]),
            "changed": int(left[index]),
            "share": float(left[index] / max(of_class[index], 1)),
            "gained": int(gained[index]),
            "now": int(now[index]),
        }
        for index, name in enumerate(names)
    ]


def _seen(facts: Mapping[str, Any], noise: AuditNoise, state: State, canary: np.ndarray) -> Seen:
    """What metrics are made of."""
    truth = None if state.true is None else outcome(state.label, state.given, state.true)
    counts = facts["canaries"]
    if counts is None:
        return Seen(truth, None, True)
    by_policy = _by_policy(facts, state, canary)
    ends = noise["interval"]
    canaries = CanaryCounts(
        counts["planted"], counts["found"], counts["repaired"], float(by_policy[~canary].mean()),
        None if ends is None else (noise["rate"], ends[0], ends[1]), len(facts["label_names"]), counts.get("doubted"),
    )  # fmt: skip
    taken_back = by_policy & (state.source == GIVEN)
    return Seen(truth, canaries, whole=not taken_back.any())


def _by_policy(facts: Mapping[str, Any], state: State, canary: np.ndarray) -> np.ndarray:
    """bool [N], the rows that the policy changes, whatever people have said of them."""
    changes: np.ndarray = policy_of(facts["policy"]).changes(state.evidence, state.given) & ~canary
    return changes & (not facts.get("nothing_learnt", False))


def _answers(corrected: Corrected, state: State, labels: Labels) -> AnswerMetrics | None:
    answered = np.flatnonzero(state.source == PERSON)
    asked = read_asked(corrected.run.path)
    by_policy = _by_policy(corrected.facts, state, labels.canary)
    taken_back = bool((by_policy & (state.source == GIVEN)).any())
    # Networks that were taught an answer know it by heart: in sample their labels are no guesses.
    knew = corrected.facts["predictions"]["kind"] == "in sample" and labels.trusted is not None
    method = None if taken_back or knew else np.where(by_policy, state.suggested, state.given)
    names = corrected.facts["label_names"]
    return answer_metrics(answered, state.label[answered], state.given, method, asked, names)


def _person(state: State) -> PersonCounts:
    answered = state.source == PERSON
    label, given, suggested = state.label[answered], state.given[answered], state.suggested[answered]
    return {
        "answers": int(answered.sum()),
        "kept_given": int((label == given).sum()),
        "took_suggestion": int(((label == suggested) & (label != given)).sum()),
        "other": int(((label != suggested) & (label != given)).sum()),
    }
