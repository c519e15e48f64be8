"""`clc-text audit`: its figures against counts row by row, its formulas against simulated truth, its verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from synthetic_run import NAMES, Made, corrected_of, make_run

from clc_text.corrections import canary_metrics as inferred
from clc_text.corrections.audit import audit, judge, labels_mark
from clc_text.corrections.audit_metrics import in_words, shown_in
from clc_text.corrections.canary_metrics import CanaryCounts
from clc_text.corrections.existing_audit import read_audit
from clc_text.corrections.log import Step
from clc_text.corrections.revert import Selection, revert
from clc_text.corrections.second_opinion import kappa
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.corrections.verdict import verdict
from clc_text.errors import InputError
from clc_text.noise.estimation import rate_interval
from clc_text.noise.estimation.probabilities import MOST_CLASSES
from clc_text.utils.files import write_json

Command = Callable[..., str]
MANY = [f"class {number}" for number in range(MOST_CLASSES + 1)]
KEYS = {
    "version", "run_id", "recipe", "dataset", "method", "step", "labels_sha256", "rows", "label_names", "policy",
    "predictions", "labels", "corrections", "noise", "canaries", "truth", "person", "answers", "second_opinion",
    "notices", "verdict",
}  # fmt: skip


def test_every_count_row_by_row(made: Made) -> None:
    corrected = corrected_of(made)
    state = corrected.state()
    rows = np.arange(0, 60, 3)
    answers = np.where(rows % 2, state.given[rows], (state.given[rows] + 1) % 6).astype(np.int32)
    corrected.write(state.with_labels(rows, answers, PERSON), Step("apply", {"file": "x"}))
    corrected = Corrected(made.run)
    state = corrected.state()
    found = audit(corrected, bootstrap=0)
    assert set(found) == KEYS
    assert json.loads(made.run.file("audit.json").read_text(encoding="utf-8")) == json.loads(json.dumps(found))

    fixed = broken = missed = altered = right_before = right_after = changed = 0
    of_class = {name: {"given": 0, "changed": 0, "gained": 0, "now": 0} for name in NAMES}
    pairs: dict[tuple[str, str], int] = {}
    person = {"answers": 0, "kept_given": 0, "took_suggestion": 0, "other": 0}
    for row in range(400):
        given, label, true = (int(values[row]) for values in (state.given, state.label, made.labels.true))
        right_before += given == true
        right_after += label == true
        fixed += given != true and label == true
        broken += given == true and label != true
        missed += given != true and label == given
        altered += given != true and label not in (given, true)
        of_class[NAMES[given]]["given"] += 1
        of_class[NAMES[label]]["now"] += 1
        if label != given:
            changed += 1
            of_class[NAMES[given]]["changed"] += 1
            of_class[NAMES[label]]["gained"] += 1
            pairs[NAMES[given], NAMES[label]] = pairs.get((NAMES[given], NAMES[label]), 0) + 1
        if state.source[row] == PERSON:
            person["answers"] += 1
            kind = "kept_given" if label == given else "took_suggestion" if label == state.suggested[row] else "other"
            person[kind] += 1
    truth = found["truth"]
    assert [truth[name] for name in ("fixed", "broken", "missed", "altered")] == [fixed, broken, missed, altered]
    assert min(fixed, broken, missed, altered) > 0
    for name, count, of in (
        ("right_before", right_before, 400), ("right_after", right_after, 400), ("precision", fixed, changed),
        ("recall", fixed, 400 - right_before), ("false_correction_rate", broken, right_before),
    ):  # fmt: skip
        assert (truth[name]["count"], truth[name]["of"]) == (count, of)
    corrections = found["corrections"]
    assert (corrections["rows"], corrections["share"]) == (changed, changed / 400)
    for entry in corrections["by_class"]:
        assert {name: entry[name] for name in ("given", "changed", "gained", "now")} == of_class[entry["label"]]
        assert entry["share"] == entry["changed"] / entry["given"]
    assert {(pair["given"], pair["label"]): pair["rows"] for pair in corrections["pairs"]} == pairs
    counts = [pair["rows"] for pair in corrections["pairs"]]
    assert counts == sorted(counts, reverse=True)
    assert found["person"] == person
    assert found["labels"] == state.counts
    assert found["noise"]["known_rate"] == pytest.approx(1 - right_before / 400)
    predicted = np.exp(made.log_probs.astype(float)).mean(0).argmax(1)
    agree = sum(int(predicted[row]) == int(state.given[row]) for row in range(400)) / 400
    assert found["predictions"]["agree_with_given"] == pytest.approx(agree)


def test_only_known_truth_counts(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run")
    assert made.labels.true is not None
    made.labels.true[100:] = -1
    made.labels.write(made.run.file("noise/labels.parquet"))
    corrected = corrected_of(made)
    state, truth = corrected.state(), judge(corrected, bootstrap=0)["truth"]
    assert truth["rows"] == 100
    assert truth["fixed"] + truth["missed"] + truth["altered"] == int((state.given != made.labels.true)[:100].sum())
    assert truth["right_after"]["count"] == sum(int(state.label[row]) == made.labels.true[row] for row in range(100))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("accuracy", [0.95, 0.85])
def test_canaries_tell_precision_and_false_corrections(tmp_path: Path, accuracy: float, classes: int) -> None:
    """20,000 rows with the truth known beside: what canaries imply, with no true label, must be near what is so.

    With two classes a canary whose given label was wrong is flipped onto the true one, and cannot be found. All stands
    on the estimated noise rate, so the true one is told here.
    """
    made = make_run(
        tmp_path / "run", rows=20_000, canaries=6000, noise_rate=0.3, accuracy=accuracy, names=list("abc")[:classes]
    )
    found = judge(corrected_of(made), bootstrap=50)
    state, true = Corrected(made.run).state(), made.labels.true
    assert true is not None
    natural = ~made.labels.canary
    changed = state.changed & natural
    really = {
        "precision": float((state.label == true)[changed].mean()),
        "recall": float(changed[(state.given != true) & natural].mean()),
        "false_corrections": float(changed[(state.given == true) & natural].mean()),
    }
    seen = Corrected(made.run).facts["canaries"]
    wrong = float((state.given != true)[natural].mean())
    counts = CanaryCounts(
        seen["planted"], seen["found"], seen["repaired"], float(changed[natural].mean()),
        (wrong, wrong - 0.01, wrong + 0.01), classes,
    )  # fmt: skip
    for name, tolerance in (("precision", 0.04), ("recall", 0.04), ("false_corrections", 0.03)):
        by_canaries = getattr(inferred, name)(counts)
        assert by_canaries["value"] == pytest.approx(really[name], abs=tolerance), name
        assert by_canaries["low"] < really[name] < by_canaries["high"], name
    canaries, rate = found["canaries"], found["noise"]["rate"]
    falsely, truly, others = canaries["false_correction_rate"]["value"], canaries["recall"]["value"], classes - 1
    put_right = seen["repaired"] / seen["planted"] - rate * falsely / others**2
    if others == 1:
        put_right /= 1 - rate
    else:
        put_right = (put_right - rate * truly / others) / (1 - rate - rate / others)
    expected = rate * put_right / counts.changed
    assert canaries["precision_adjusted"]["value"] == pytest.approx(min(1, expected))
    for name in ("recall", "precision_adjusted", "false_correction_rate"):
        assert canaries[name]["low"] <= canaries[name]["value"] <= canaries[name]["high"]


def test_canaries_say_nothing_of_a_part_of_the_changes_that_somebody_chose(tmp_path: Path) -> None:
    """Taking back the surest changes leaves the worst: no figure of the whole may speak for them."""
    made = make_run(tmp_path / "run", rows=4000, canaries=400, noise_rate=0.3, accuracy=0.97, true_known=False)
    before = judge(corrected_of(made), bootstrap=20)["canaries"]
    assert before["precision_adjusted"] is not None and before["false_correction_rate"] is not None
    corrected = Corrected(made.run)
    state = corrected.state()
    revert(corrected, Selection(above=float(np.median(state.confidence[state.changed]))))
    after = judge(Corrected(made.run), bootstrap=20)
    assert after["canaries"]["precision_adjusted"] is None and after["canaries"]["false_correction_rate"] is None
    assert after["canaries"]["recall"] == before["recall"]  # of the policy, not of what was left of it
    assert after["verdict"]["trust"] == "look first"


def test_a_persons_answers_leave_the_figures_of_the_policy_as_they_are(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", rows=4000, canaries=400, noise_rate=0.3, accuracy=0.97, true_known=False)
    corrected = corrected_of(made)
    before = judge(corrected, bootstrap=20)["canaries"]
    state = corrected.state()
    rows = np.flatnonzero(state.changed)[:200]
    corrected.write(state.with_labels(rows, state.given[rows], PERSON), Step("apply", {"file": "x"}))
    assert judge(Corrected(made.run), bootstrap=20)["canaries"] == before


@pytest.mark.parametrize(
    ("classes", "rate", "pairwise"),
    [
        (2, 0.2, False),
        (3, 0.3, False),
        (6, 0.4, False),
        (10, 0.5, False),
        (3, 0.3, True),
        (6, 0.4, True),
        (10, 0.5, True),
    ],
)
def test_precision_against_a_simulated_policy(classes: int, rate: float, pairwise: bool) -> None:
    """A policy that changes 80 % of wrong labels, a third of these to another wrong class, and 5 % of right ones.

    Where labels are wrong pairwise it breaks right ones so, too, and the precision is found a little too high."""
    generator = np.random.default_rng(classes)
    count, planted = 400_000, 100_000

    def other(than: np.ndarray, also: np.ndarray | None = None) -> np.ndarray:
        drawn = generator.integers(0, classes, len(than))
        while (again := (drawn == than) | (False if also is None else drawn == also)).any():
            drawn[again] = generator.integers(0, classes, int(again.sum()))
        return drawn

    def wrongly(true: np.ndarray) -> np.ndarray:
        return (true + 1) % classes if pairwise else other(true)

    true = generator.integers(0, classes, count)
    given = np.where(generator.random(count) < rate, wrongly(true), true)
    label = given.copy()
    label[:planted] = other(given[:planted])
    wrong, chance = label != true, generator.random(count)
    after = label.copy()
    astray = wrong & (chance < 0.8) & (generator.random(count) < 1 / 3) & (classes > 2)
    mended = wrong & (chance < 0.8) & ~astray
    broken = ~wrong & (chance < 0.05)
    after[mended] = true[mended]
    if classes > 2:
        after[astray] = other(true[astray], label[astray])
    after[broken] = wrongly(true[broken])
    changed = after != label
    really = float((after == true)[planted:][changed[planted:]].mean())
    found = changed[:planted]
    counts = CanaryCounts(
        planted, int(found.sum()), int((after == given)[:planted][found].sum()), float(changed[planted:].mean()),
        (rate, rate, rate), classes,
    )  # fmt: skip
    by_canaries = inferred.precision(counts)
    assert by_canaries is not None
    assert by_canaries["value"] == pytest.approx(really + 0.007 * pairwise, abs=0.012)
    assert by_canaries["low"] - 0.012 < really < by_canaries["high"] + 0.012


@pytest.mark.parametrize(
    "counts",
    [
        CanaryCounts(0, 0, 0, 0.1, (0.1, 0.1, 0.1), 3),
        CanaryCounts(100, 60, 50, 0.3, (0.48, 0.47, 0.49), 2),  # a canary is wrong no more often than another row
        CanaryCounts(100, 60, 50, 0.0, (0.1, 0.1, 0.1), 3),
        CanaryCounts(100, 60, 50, 0.1, None, 3),  # of a rate without an interval nothing has one
        CanaryCounts(1000, 900, 890, 0.02, (0.1, 0.1, 0.1), 3),  # five times as many put right as were changed
    ],
)
def test_canaries_that_tell_no_precision(counts: CanaryCounts) -> None:
    assert inferred.precision(counts) is None


def test_without_an_interval_of_the_rate_canaries_imply_nothing(tmp_path: Path) -> None:
    """Taken as exact, a rate that is off would give narrow intervals beside the truth."""
    corrected = corrected_of(make_run(tmp_path / "run", canaries=100, true_known=False))
    for bootstrap in (0, 20):
        found = judge(corrected, bootstrap)
        assert (found["noise"]["interval"] is None) == (bootstrap == 0)
        for name in ("recall", "precision_adjusted", "false_correction_rate"):
            assert (found["canaries"][name] is None) == (bootstrap == 0), name
        assert found["canaries"]["found"]["of"] == 100
        reasons = found["verdict"]["reasons"]
        assert any("noise rate has no interval" in reason for reason in reasons) == (bootstrap == 0)


def test_an_audit_of_another_version_is_made_anew(made: Made) -> None:
    corrected = corrected_of(made)
    found = audit(corrected, bootstrap=0)
    about = found["corrections"]["rows"], found["labels"]
    assert read_audit(made.run, *about) == json.loads(json.dumps(found))
    made.run.file("audit.json").write_text(json.dumps(found | {"version": 1}))
    with pytest.raises(InputError, match="by another version of clc_text; run `clc-text audit"):
        read_audit(made.run, *about)


def test_an_audit_of_other_labels_in_the_same_numbers_is_made_anew(made: Made) -> None:
    """Other answers to the same rows, or another person's decision for a method's: no count need change."""
    corrected = corrected_of(made)
    state = corrected.state()
    rows = np.arange(6)
    one, other = ((state.given[rows] + by) % 6 for by in (1, 2))
    corrected.write(state.with_labels(rows, one, PERSON), Step("apply", {"file": "one"}))
    found = audit(Corrected(made.run), bootstrap=0)
    Corrected(made.run).write(state.with_labels(rows, other, PERSON), Step("apply", {"file": "other"}))
    facts = Corrected(made.run).facts
    assert (facts["changed"], facts["labels"]) == (found["corrections"]["rows"], found["labels"])
    with pytest.raises(InputError, match=r"is not of the corrected dataset as it is now \(step 3, "):
        read_audit(made.run, facts["changed"], facts["labels"])


def test_the_mark_of_a_state_is_of_each_label_and_of_who_said_it(made: Made) -> None:
    state = corrected_of(made).state()
    mark = labels_mark(1, state)
    assert mark == labels_mark(1, state.part(np.arange(len(state))))
    swapped = state.label.copy()
    first, second = 0, int(np.flatnonzero(state.label != state.label[0])[0])
    swapped[[first, second]] = swapped[[second, first]]
    others = [
        labels_mark(2, state),
        labels_mark(1, replace(state, label=swapped)),
        labels_mark(1, replace(state, source=state.source[::-1])),
    ]
    assert mark not in others


def test_no_canaries_and_no_truth(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", true_known=False)
    found = judge(corrected_of(made), bootstrap=20)
    assert found["canaries"] is None
    assert found["truth"] is None
    assert found["noise"]["known_rate"] is None
    low, high = found["noise"]["interval"]
    assert low < found["noise"]["rate"] < high
    assert found["verdict"]["basis"] == "estimates"
    assert found["verdict"]["trust"] == "look first"
    opinion = found["second_opinion"]
    if opinion is not None:
        assert opinion["truth"] is None


def test_the_second_opinion_is_cleanlab_s(made: Made) -> None:
    """Of the rows that are no canaries, where the networks were taught another label and would doubt the given one."""
    filter = pytest.importorskip("cleanlab.filter")
    corrected = corrected_of(made)
    natural = np.flatnonzero(~made.labels.canary)
    assert len(natural) == 360
    state = corrected.state().part(natural)
    found = judge(corrected, bootstrap=0)["second_opinion"]
    probs = np.exp(made.log_probs.astype(float)).mean(0)[natural]
    probs /= probs.sum(1, keepdims=True)
    issues = filter.find_label_issues(state.given.astype(int), probs, n_jobs=1)
    both = sum(bool(a) and bool(b) for a, b in zip(state.changed, issues, strict=True))
    assert (found["issues"], found["changed_and_doubted"]) == (int(issues.sum()), both)
    label = [int(probs[row].argmax()) if issues[row] else int(state.given[row]) for row in range(360)]
    true = made.labels.true[natural]
    assert found["truth"]["right_after"]["count"] == sum(label[row] == true[row] for row in range(360))
    assert found["truth"]["broken"] == sum(
        int(state.given[row]) == true[row] and label[row] != true[row] for row in range(360)
    )


def test_kappa_by_hand() -> None:
    """Of 10: both yes 3, both no 4, 2 and 1 apart: observed 0.7, by chance 0.5·0.4 + 0.5·0.6 = 0.5, kappa 0.4."""
    one = np.array([1, 1, 1, 0, 0, 0, 0, 1, 1, 0], bool)
    other = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 1], bool)
    assert kappa(one, other) == pytest.approx(0.4)
    assert kappa(one, one) == 1
    assert kappa(np.ones(4, bool), np.ones(4, bool)) is None


def test_predictions_out_of_sample_come_with_their_matrix(made: Made, clc_text: Command) -> None:
    """The rate is then the share of belief that is not in the given labels; the canaries' part of the matrix is none
    of theirs."""
    run = made.run
    p = np.exp(made.log_probs.astype(float)).mean(0, keepdims=True)
    transition = np.full((6, 6), 0.08) + np.eye(6) * 0.52
    share = made.labels.canary.mean()
    flips = np.full((6, 6), share / 5) + (1 - share - share / 5) * np.eye(6)
    tensors = {"train": np.log(p).astype(np.float32), "transition": transition @ flips}
    save_file(tensors, run.file("crossfit.safetensors"), metadata={"folds": "5"})
    clc_text("correct", run.path)
    corrected = Corrected(run)
    assert corrected.facts["predictions"]["kind"] == "out of sample"
    np.testing.assert_allclose(corrected.facts["noise_matrix"], transition, atol=1e-6)
    found = audit(corrected, bootstrap=20)
    doubt = []
    for row in range(400):
        if not made.labels.canary[row]:
            given = made.labels.given[row]
            belief = [p[0, row, c] * transition[c, given] for c in range(6)]
            doubt.append(1 - belief[given] / sum(belief))
    assert found["noise"]["rate"] == pytest.approx(sum(doubt) / len(doubt), abs=1e-5)
    assert found["noise"]["predictions"] == "out of sample"
    np.testing.assert_allclose(found["noise"]["matrix"], transition, atol=1e-6)
    state = corrected.state()
    for row in range(400):  # no network saw the canaries' flipped labels, so nothing is taken from p
        given = made.labels.given[row]
        belief = np.array([p[0, row, c] * transition[c, given] for c in range(6)])
        assert state.suggested[row] == max((c for c in range(6) if c != given), key=lambda c: belief[c])
        assert state.probability_given[row] == pytest.approx(belief[given] / belief.sum(), abs=1e-5)
    for said, kind in (
        (("--in-sample",), "in sample"),
        (("--policy", "doubt"), "in sample"),
        (("--policy", "doubt", "--out-of-sample"), "out of sample"),
    ):
        clc_text("correct", run.path, *said)
        assert Corrected(run).facts["predictions"]["kind"] == kind, said


def test_other_predictions_than_those_it_was_made_from(corrected: Corrected, refused: Command) -> None:
    shape = corrected.run.log_probs().shape
    save_file({"train": np.full(shape, np.log(1 / 6), np.float32)}, corrected.run.file("predictions.safetensors"))
    said = refused("audit", corrected.run.path)
    assert "are no longer those that" in said
    assert not corrected.run.file("audit.json").exists()


def test_a_large_dataset_is_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_run(tmp_path / "run", rows=3000)
    corrected = corrected_of(made)
    whole = judge(corrected, bootstrap=0)
    monkeypatch.setattr(rate_interval, "ROWS", 1000)
    sampled = judge(corrected, bootstrap=0)
    assert sampled["truth"] == whole["truth"]
    assert sampled["noise"]["rate"] == pytest.approx(whole["noise"]["rate"], abs=0.06)


def test_the_command_prints_and_writes(corrected: Corrected, clc_text: Command) -> None:
    said = clc_text("audit", corrected.run.path, "--bootstrap", 5)
    found = json.loads(corrected.run.file("audit.json").read_text(encoding="utf-8"))
    assert said.startswith(found["verdict"]["trust"])
    shown = {re.sub(r"\s+", " ", line.strip("│ ")) for line in said.splitlines()}
    for one, value in shown_in("screen", found):
        assert f"{one.titled(found)} │ {in_words(value)}" in shown
    assert json.loads(clc_text("audit", corrected.run.path, "--bootstrap", 5, "--json")) == found


@pytest.mark.parametrize("policy", ["posterior", "targets", "agree"])
@pytest.mark.parametrize("informative", [True, False])
def test_where_nothing_was_learnt_nothing_is_changed(
    made: Made, clc_text: Command, policy: str, informative: bool
) -> None:
    """By any policy, also where the run's own networks judge, which know the labels by heart."""
    run = made.run
    p = np.exp(made.log_probs.astype(float)).mean(0, keepdims=True)
    tensors = {"train": np.log(p).astype(np.float32), "transition": np.full((6, 6), 0.08) + np.eye(6) * 0.52}
    save_file(tensors, run.file("crossfit.safetensors"), metadata={"folds": "5"})
    write_json(run.file("crossfit.json"), {"folds": 5, "gain": 0.4 if informative else 0.01, "gain_error": 0.02})
    said = clc_text("correct", run.path, "--policy", policy)
    found = json.loads(clc_text("audit", run.path, "--bootstrap", 2, "--json"))
    assert found["noise"]["nothing_learnt"] is not informative
    if informative:
        assert found["corrections"]["rows"] > 0 and found["canaries"]["found"]["count"] > 0
        assert "no label is changed" not in said and found["verdict"]["trust"] != "do not use"
        return
    assert "no label is changed: networks that had not seen a label foretell it no better" in said
    assert found["corrections"]["rows"] == found["canaries"]["found"]["count"] == 0
    assert found["verdict"]["trust"] == "do not use" and not found["verdict"]["little_to_correct"]
    assert "foretell it no better" in found["verdict"]["reasons"][0]
    assert not any("are estimated to be wrong" in reason for reason in found["verdict"]["reasons"])
    assert "not known" in clc_text("audit", run.path, "--bootstrap", 0)


# ---- the verdict's rule ----


def share(value: float, reach: float = 0.02, of: int = 1000) -> dict[str, Any]:
    return {"value": value, "low": value - reach, "high": value + reach, "count": round(value * of), "of": of}


def told(
    changed: float = 0.3, known_rate: float | None = None, canaries: dict[str, Any] | None = None,
    truth: dict[str, Any] | None = None, notices: list[dict[str, Any]] | None = None,
    by_class: list[dict[str, Any]] | None = None, more: dict[str, Any] | None = None,
) -> tuple[str, bool]:  # fmt: skip
    noise = {"rate": changed, "predictions": "out of sample", "known_rate": known_rate}
    corrections = {"share": changed, "by_class": by_class or []}
    found = verdict(corrections, noise | (more or {}), canaries, truth, notices or [])
    assert found["summary"] and all(found["reasons"])
    return found["trust"], found["little_to_correct"]


def measured(precision: float = 0.9, false: float = 0.02, found: float = 0.8, planted: int = 100) -> dict[str, Any]:
    return {
        "planted": planted, "found": share(found), "recall": share(found), "precision_adjusted": share(precision),
        "false_correction_rate": share(false),
    }  # fmt: skip


def truth(precision: float = 0.9, false: float = 0.02, fixed: int = 100, broken: int = 10) -> dict[str, Any]:
    return {
        "rows": 1000, "right_before": share(0.7), "right_after": share(0.8), "fixed": fixed, "broken": broken,
        "precision": share(precision), "false_correction_rate": share(false),
    }  # fmt: skip


def one_class(given: int, changed: int, now: int) -> dict[str, Any]:
    return {"label": "one", "given": given, "changed": changed, "gained": 0, "now": now}


def of_classes(low: float, high: float) -> dict[str, Any]:
    return {"predictions": "views", "by_class": [], "readings": [], "rate": (low + high) / 2, "interval": [low, high]}


COLLAPSE = {"name": "collapse", "severity": "warning", "message": "the run has collapsed"}
WARNING = {"name": "other", "severity": "warning", "message": "something is odd"}
UNSURE = {"readings": [{"of": "mixture", "method": "doubt", "rate": 0.1}], "interval": [0.0, 0.3]}
HARD = {"rate": 0.03, "ahead": 1.9}
BY_RULE = {"rule_like": {"words": 0.98, "others": 0.85}}
NOTE = {"name": "other", "severity": "note", "message": "something is worth knowing"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"truth": truth(), "known_rate": 0.3}, ("trust", False)),
        ({"truth": truth(), "known_rate": 0.3, "notices": [NOTE]}, ("trust", False)),
        ({"truth": truth(), "known_rate": 0.3, "notices": [WARNING]}, ("look first", False)),
        ({"truth": truth(precision=0.81), "known_rate": 0.3}, ("look first", False)),  # the interval reaches below 0.8
        ({"truth": truth(false=0.06), "known_rate": 0.3}, ("look first", False)),
        ({"truth": truth(fixed=10, broken=11), "known_rate": 0.3}, ("do not use", False)),
        ({"truth": truth(), "known_rate": 0.3, "notices": [COLLAPSE]}, ("do not use", False)),
        ({"canaries": measured()}, ("trust", False)),
        ({"canaries": measured(planted=29)}, ("look first", False)),
        ({"canaries": measured(precision=0.47)}, ("do not use", False)),
        ({"canaries": measured(precision=0.49)}, ("look first", False)),  # the interval holds one half
        ({"canaries": measured(precision=0.47), "truth": truth(), "known_rate": 0.3}, ("trust", False)),
        ({}, ("look first", False)),
        # little to correct: fewer than 2 % would change, and nothing says that wrong labels were missed
        ({"changed": 0.01, "truth": truth(), "known_rate": 0.02}, ("trust", True)),
        ({"changed": 0.01, "truth": truth(fixed=0, broken=9), "known_rate": 0.0}, ("do not use", True)),
        ({"changed": 0.01, "truth": truth(precision=0.5), "known_rate": 0.3}, ("look first", False)),
        ({"changed": 0.01, "canaries": measured(found=0.8)}, ("look first", True)),  # errors may follow a rule
        ({"changed": 0.01, "canaries": measured(found=0.3, precision=0.6)}, ("look first", False)),
        ({"changed": 0.01}, ("look first", True)),
        ({"changed": 0.01, "canaries": measured(), "notices": [WARNING]}, ("look first", True)),
        ({"changed": 0.021, "canaries": measured(precision=0.6)}, ("look first", False)),
        # canaries that are doubted, though not surely enough to be changed, were not missed
        ({"changed": 0.01, "canaries": measured(found=0.3) | {"doubted": share(0.8)}}, ("look first", True)),
        (
            {"changed": 0.01, "canaries": measured(found=0.3, precision=0.6) | {"doubted": share(0.3)}},
            ("look first", False),
        ),
        # a class that is as good as gone; few rows may come and go, and where the truth is known it decides
        ({"by_class": [one_class(30, 27, 2)]}, ("do not use", False)),
        ({"by_class": [one_class(30, 25, 5)]}, ("look first", False)),
        ({"by_class": [one_class(9, 9, 0)]}, ("look first", False)),
        ({"by_class": [one_class(30, 0, 0)]}, ("look first", False)),  # nothing of it was changed by these corrections
        ({"by_class": [one_class(30, 27, 2)], "truth": truth(), "known_rate": 0.3}, ("trust", False)),
        # a reading of many wrong labels, or labels that look made by a rule, where nothing measures them
        ({"changed": 0.01, "more": UNSURE}, ("look first", False)),
        ({"changed": 0.01, "more": UNSURE | {"interval": [0.0, 0.09]}}, ("look first", True)),
        ({"changed": 0.01, "more": UNSURE, "canaries": measured()}, ("look first", False)),
        ({"changed": 0.01, "more": UNSURE, "truth": truth(), "known_rate": 0.02}, ("trust", True)),
        ({"changed": 0.01, "more": BY_RULE}, ("look first", False)),
        ({"more": BY_RULE, "canaries": measured()}, ("look first", False)),
        ({"more": BY_RULE, "truth": truth(), "known_rate": 0.3}, ("trust", False)),
        # nothing is changed, since hard texts explain the labels as well as noise does, and more or less looks wrong
        ({"changed": 0.0, "more": HARD}, ("look first", False)),
        ({"changed": 0.0, "more": HARD | {"rate": 0.019}}, ("look first", True)),
        ({"changed": 0.0, "more": HARD | {"ahead": 2.0}}, ("look first", True)),
        ({"changed": 0.001, "more": HARD}, ("look first", True)),  # by a policy that does not ask
        ({"changed": 0.0, "more": HARD, "truth": truth(), "known_rate": 0.02}, ("trust", True)),
        # several classes at once: some labels are wrong at the lowest, none may be, many may be
        ({"changed": 0.01, "more": of_classes(0.03, 0.09)}, ("look first", False)),
        ({"changed": 0.01, "more": of_classes(0.0, 0.09)}, ("look first", True)),
        ({"changed": 0.01, "more": of_classes(0.0, 0.12)}, ("look first", False)),
        ({"changed": 0.01, "more": of_classes(0.03, 0.09), "canaries": measured()}, ("trust", False)),
        ({"changed": 0.01, "more": of_classes(0.03, 0.09), "truth": truth(), "known_rate": 0.02}, ("trust", True)),
        ({"changed": 0.01, "more": of_classes(0.03, 0.09), "truth": truth(), "known_rate": 0.06}, ("trust", False)),
        # views that contradict each other
        ({"more": {"agreement": 0.49}}, ("do not use", False)),
        ({"more": {"agreement": 0.51}}, ("look first", False)),
    ],
)
def test_verdict(given: dict[str, Any], expected: tuple[str, bool]) -> None:
    assert told(**given) == expected


def test_of_several_classes_errors_are_counted_among_those_that_hold() -> None:
    """Of 60 classes two hold of a text; a fifth of them left out makes 0.7 % of the pairs wrong."""
    given = [one_class(58_000, 80, 57_920), one_class(2_000, 0, 2_080)]
    corrections: Any = {"share": 80 / 60_000, "by_class": given, "by_asked": []}
    unsure: Any = truth(precision=0.75)
    for wrong, little in ((400, False), (60, True)):
        noise: Any = of_classes(0.003, 0.009) | {"known_rate": wrong / 60_000}
        found = verdict(corrections, noise, None, unsure, [])
        assert (found["little_to_correct"], found["trust"]) == (little, "trust" if little else "look first")


def test_where_texts_are_hard_the_verdict_says_what_was_asked_for() -> None:
    noise: Any = {"rate": 0.03, "predictions": "views", "known_rate": None, "ahead": 1.24}
    found = verdict({"share": 0.0, "by_class": []}, noise, None, None, [])  # type: ignore[typeddict-item]
    assert "Nothing was changed: 3.0% of the labels look wrong" in found["summary"]
    assert sum("ahead by 1.2 standard errors, 2 are asked for" in reason for reason in found["reasons"]) == 1
    behind = verdict({"share": 0.0, "by_class": []}, noise | {"ahead": -3.1}, None, None, [])  # type: ignore[typeddict-item]
    assert any("fitted to as well, so nothing is changed" in reason for reason in behind["reasons"])
    for rows, told in ((74, True), (75, False)):
        classes: Any = [one_class(rows, 0, rows)] * 3
        small = verdict({"share": 0.0, "by_class": classes}, noise | {"ahead": 0.0}, None, None, [])  # type: ignore[typeddict-item]
        assert any("fewer than 75 rows a class do not tell" in reason for reason in small["reasons"]) == told
    missed: Any = measured(found=0.1) | {"precision_adjusted": None}  # nothing is changed, nothing memorised
    few = verdict({"share": 0.0, "by_class": []}, noise, missed, None, [])  # type: ignore[typeddict-item]
    assert "too few or too hard" in few["summary"] and "memorised" not in few["summary"]
    ruled = verdict({"share": 0.0, "by_class": []}, noise | BY_RULE, None, None, [])  # type: ignore[typeddict-item]
    assert "follow a rule" in ruled["summary"]


def test_where_more_is_wrong_than_is_changed_the_verdict_says_both() -> None:
    noise = {"rate": 0.01, "known_rate": None} | of_classes(0.04, 0.09)
    for known in (None, 0.06):
        by_truth = None if known is None else truth(precision=0.5)
        noise["known_rate"] = known
        found: Any = verdict({"share": 0.011, "by_class": []}, noise, None, by_truth, [])
        assert "between 4.0% and 9.0% (about 6.5%)" in found["summary"] and "1.1%" in found["summary"]


@pytest.mark.parametrize(("reach", "known"), [(0.44, True), (0.46, False), (0.5, False)])
def test_canaries_that_say_anything_say_nothing(reach: float, known: bool) -> None:
    canaries: Any = measured() | {"precision_adjusted": share(0.5, reach)}
    noise: Any = {"rate": 0.1, "predictions": "views", "known_rate": None}
    said = verdict({"share": 0.1, "by_class": []}, noise, canaries, None, [])["reasons"]  # type: ignore[typeddict-item]
    assert any("by them about 50%" in reason for reason in said) == known
    assert any("what they say of the changed labels is not known" in reason for reason in said) != known


@pytest.mark.parametrize("join", ["cross_fit", "majority"])
def test_labels_that_nothing_checks(join: str) -> None:
    """A label a row, of several sources: where no networks were asked, none are blamed."""
    notice = {"name": "nothing learnt", "message": "networks learnt nothing", "severity": "warning"}
    noise: Any = {
        "rate": 0.0,
        "known_rate": None,
        "nothing_learnt": True,
        "predictions": "votes",
        "interval": [0, 0.5],
    }
    several: Any = {"join": join, "planted": None, "sources": [{}] * 9, "rows_by_votes": {"1": 90}}
    nothing: Any = {"share": 0.0, "by_class": []}
    for rules in (0, 7):
        found = verdict(nothing, noise, None, None, [], None, several | {"rules": rules})
        assert any(sentence.startswith("7 of 9 sources") for sentence in found["reasons"]) == (rules == 7)
    found = verdict(nothing, noise, None, None, [notice], None, several)  # type: ignore[list-item]
    assert found["trust"] == "do not use"
    assert ("second source" in found["summary"]) == (join == "cross_fit")
    more = several | {"rows_by_votes": {"1": 90, "2": 10}}
    found = verdict(nothing, noise, None, None, [notice], None, more)  # type: ignore[list-item]
    assert ("further sources" in found["summary"]) == (join == "cross_fit")
    assert (notice["message"] in found["reasons"]) == (join == "majority")


def test_more_classes_than_a_noise_matrix_may_have(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", names=MANY, rows=600, noise_rate=0.2, sureness=20.0, canaries=20)
    corrected = corrected_of(made)
    found = audit(corrected)
    doubt = 1 - np.exp(made.log_probs.astype(np.float64)).mean(0)[np.arange(600), made.labels.given]
    assert found["noise"]["rate"] == pytest.approx(doubt[~made.labels.canary].mean(), abs=1e-6)
    low, high = found["noise"]["interval"]
    assert 0.1 < low < found["noise"]["rate"] < high < 0.5
    assert (found["noise"]["method"], found["noise"]["matrix"]) == ("doubt", None)
    assert read_audit(made.run, found["corrections"]["rows"], found["labels"]) == json.loads(json.dumps(found))
