"""Cross-fitting with answers: what they say of the noise, and that nobody learns what it is asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_training import arguments, peers_model, rows

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.crossfit import answered
from clc_text.crossfit import trainer as trainer_module
from clc_text.crossfit.answered_noise import FEWEST, POWERS, STRENGTHS, AnsweredNoise
from clc_text.crossfit.answered_targets import (
    ALONE,
    BORNE_OUT,
    EQUALLY_SURE,
    NETWORKS,
    VIEWS,
    WITHOUT,
    _borne_out,
    taught_with_answers,
)
from clc_text.crossfit.rounds import MOST, SHARE, Round, Settings
from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.data.labels import Labels
from clc_text.data.trusted import ERR, TrustedLabels
from clc_text.methods.base import TrainingState
from clc_text.methods.fold_forward import FoldForward
from clc_text.noise.estimation.half_trust import half_trusted, never_certain
from clc_text.noise.estimation.near_noise import posterior_with_shares
from clc_text.noise.estimation.noise_fit import fit_transition, matrix_of, posterior_labels
from clc_text.noise.estimation.row_noise import NoiseOfRows, sharpest, with_shares
from clc_text.training.answer_targets import weight_of_answers

ROWS, CLASSES = 3_000, 3
DOWN = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.7, 0.05, 0.25]])  # most of class 2 is called 0


def drawn(seed: int = 0, follows: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """True and given classes, log-probabilities of networks, and folds.

    Args:
        follows: the networks have learnt the given labels instead of the true ones.
    """
    random = np.random.default_rng(seed)
    true = random.integers(0, CLASSES, ROWS)
    given = (DOWN[true].cumsum(1) < random.random((ROWS, 1))).sum(1)
    logits = 2.0 * np.eye(CLASSES)[given if follows else true] + random.normal(0, 0.7, (ROWS, CLASSES))
    return true, given, logits - np.log(np.exp(logits).sum(1, keepdims=True)), random.integers(0, 5, ROWS)


def answers(true: np.ndarray, count: int, inclusion: float | None = None) -> TrustedLabels:
    rows = np.random.default_rng(1).choice(ROWS, count, replace=False)
    return TrustedLabels(rows, true[rows], np.full(count, count / ROWS if inclusion is None else inclusion))


def of_answers(belief: np.ndarray, told: np.ndarray) -> np.ndarray:
    """[n], probability of each answer by a belief [n, C], an answer at a time: right, or in `ERR` of all cases any of
    the other classes."""
    return np.array(
        [
            (1 - ERR) * row[answer] + ERR * sum(row[c] for c in range(len(row)) if c != answer) / (len(row) - 1)
            for row, answer in zip(belief, told, strict=True)
        ]
    )


def test_answers_correct_what_networks_have_learnt_of_the_errors() -> None:
    true, given, log_probs, fold = drawn(follows=True)
    noise = AnsweredNoise(Labels(given, trusted=answers(true, 200)), CLASSES, fold)
    start = noise.start()
    assert start is not None and np.abs(start - DOWN).max() < 0.15
    noise.choose_strength(np.exp(log_probs), start)
    assert noise.strength >= 1
    noise.strength = max(STRENGTHS)
    assert np.abs(noise.fit(np.exp(log_probs), start, 10) - DOWN).max() < 0.2
    blind = AnsweredNoise(Labels(given, trusted=TrustedLabels(np.array([0]), true[:1])), CLASSES, fold)
    assert np.abs(blind.fit(np.exp(log_probs), None, 10) - DOWN).max() > 0.4


def test_where_the_networks_are_right_few_answers_weigh_little() -> None:
    true, given, log_probs, fold = drawn()
    noise = AnsweredNoise(Labels(given, trusted=answers(true, 30)), CLASSES, fold)
    noise.choose_strength(np.exp(log_probs), noise.start())
    assert noise.strength == 0
    fitted = noise.fit(np.exp(log_probs), noise.start(), 20)
    start = noise.start()
    assert start is not None
    assert np.abs(fitted - DOWN).max() < np.abs(start - DOWN).max()


def test_one_wrong_answer_does_not_make_sure_networks_unsure() -> None:
    """Networks right on nearly all rows and sure of it: a few answers that contradict them leave them so. Taken as
    certain, these cost so much that the networks' predictions were flattened until they fit."""
    true, given, _, fold = drawn()
    sure = np.log(np.where(np.eye(CLASSES)[true] == 1, 1 - 2e-4, 1e-4))
    told = answers(true, 100)
    fits = {}
    for wrong in (0, 5):
        labels = told.labels.copy()
        labels[:wrong] = (labels[:wrong] + 1) % CLASSES
        noise = AnsweredNoise(Labels(given, trusted=TrustedLabels(told.rows, labels, told.inclusion)), CLASSES, fold)
        fits[wrong] = noise.fit_sharpness(sure, DOWN)
        literal = np.log(of_answers(fits[wrong].probs[told.rows], labels)).mean()
        open_rows = np.setdiff1d(np.arange(ROWS), told.rows)
        explained = fits[wrong].probs[open_rows] @ fits[wrong].transition
        given_alone = np.log(explained[np.arange(len(open_rows)), given[open_rows]]).mean()
        assert fits[wrong].log_likelihood == pytest.approx(given_alone + literal, abs=1e-9)
    assert fits[5].sharpness == fits[0].sharpness


def test_how_strong_answers_are_is_told_by_given_labels_of_answers_that_may_err() -> None:
    """`choose_strength`, an answer and a strength at a time."""
    true, given, log_probs, fold = drawn(follows=True)
    told = answers(true, 40)
    noise = AnsweredNoise(Labels(given, trusted=told), CLASSES, fold)
    probs, gains = np.exp(log_probs), np.zeros((len(STRENGTHS), 40))
    for place, strength in enumerate(STRENGTHS):
        for number, (row, answer) in enumerate(zip(told.rows, told.labels, strict=True)):
            part = np.flatnonzero(noise.open & (fold == fold[row]))
            others = noise._counted(fold[told.rows] != fold[row])
            fitted = fit_transition(probs[part], given[part], DOWN, 5, strength * len(part) / ROWS * others)
            gains[place, number] = np.log(of_answers(fitted[None, :, given[row]], np.array([answer]))[0])
    best = gains.mean(1).argmax()
    behind = gains[best] - gains
    error = np.sqrt(((behind - behind.mean(1, keepdims=True)) ** 2).sum(1)) / 40
    noise.choose_strength(probs, DOWN)
    assert noise.strength == STRENGTHS[int((behind.mean(1) <= error).argmax())]


@pytest.mark.parametrize("inclusion", [1.0, np.nan])
def test_chosen_rows_do_not_count_as_drawn_at_random(inclusion: float) -> None:
    true, given, log_probs, fold = drawn()
    wrong = np.flatnonzero(given != true)[:100]
    chosen = TrustedLabels(wrong, true[wrong], np.full(100, inclusion))
    noise = AnsweredNoise(Labels(given, trusted=chosen), CLASSES, fold)
    assert not noise.counted and noise.start() is None
    noise.choose_strength(np.exp(log_probs), None)
    assert np.abs(noise.fit(np.exp(log_probs), None, 20) - DOWN).max() < 0.1
    posterior = noise.posterior(np.exp(log_probs), DOWN)
    assert (posterior[wrong, true[wrong]] == 1).all()


def test_beside_random_ones_chosen_rows_stand_for_themselves() -> None:
    true, given, _, fold = drawn()
    random = answers(true, 100)
    wrong = np.setdiff1d(np.flatnonzero(given != true), random.rows)[:100]
    assert random.inclusion is not None
    both = TrustedLabels(
        np.r_[random.rows, wrong], np.r_[random.labels, true[wrong]], np.r_[random.inclusion, np.ones(100)]
    )
    one, other = (AnsweredNoise(Labels(given, trusted=known), CLASSES, fold).start() for known in (random, both))
    assert one is not None and other is not None
    assert np.abs(one - other).max() < 0.07
    as_random = TrustedLabels(both.rows, both.labels, np.full(200, 200 / ROWS))
    wrongly = AnsweredNoise(Labels(given, trusted=as_random), CLASSES, fold).start()
    assert wrongly is not None and np.abs(one - wrongly).max() > 0.2


def test_held_out_answers_say_which_belief_to_teach() -> None:
    """Networks that have learnt the errors explain answers worse than those that have not; equal ones equally well."""
    true, given, wrong, fold = drawn(follows=True)
    right = drawn()[2]
    told = answers(true, 100)
    noise = AnsweredNoise(Labels(given, trusted=told), CLASSES, fold)
    fits = {name: noise.fit_sharpness(found, noise.start()) for name, found in (("wrong", wrong), ("right", right))}
    beliefs = {name: half_trusted(fit.probs, given, never_certain(fit.transition)) for name, fit in fits.items()}
    held_out = {name: noise.held_out_belief(fit) for name, fit in fits.items()}
    for name, other, sign in (("right", "wrong", 1), ("wrong", "right", -1)):
        mean, error = found = noise.explained_better(held_out[name], beliefs[other][told.rows])
        assert np.sign(mean) * (abs(mean) > 2 * error) == sign, (name, other, found)
    alike = noise.explained_better(held_out["right"], beliefs["right"][told.rows])
    assert abs(alike[0]) < 1e-3  # but for T, which knows fewer answers
    few = answers(true, FEWEST - 1)
    chosen = TrustedLabels(told.rows, told.labels)  # nobody knows how
    for unclear in (few, chosen):
        nothing = AnsweredNoise(Labels(given, trusted=unclear), CLASSES, fold)
        assert not nothing.enough and _borne_out(nothing, fits, beliefs["wrong"]) == (WITHOUT, None)


@pytest.mark.parametrize(("classes", "enough"), [(4, True), (50, True), (51, False)])
def test_of_many_classes_more_answers_are_asked_for(classes: int, enough: bool) -> None:
    true, given, _, fold = drawn()
    assert AnsweredNoise(Labels(given, trusted=answers(true, 100)), classes, fold).enough == enough


def test_equally_sure_beliefs_differ_by_what_they_know_alone() -> None:
    """A belief that is another one made more or less sure explains answers as well as that; against a literal reading:
    every power of both, and the best of each."""
    true, given, log_probs, _ = drawn()
    told = answers(true, 100)
    noise = AnsweredNoise(Labels(given, trusted=told), CLASSES, np.zeros(ROWS, int))  # T knows no answer of the fold
    fit = noise.fit_sharpness(log_probs, noise.start())
    transition = fit_transition(fit.probs[noise.open], given[noise.open], fit.transition, 8)
    belief = half_trusted(fit.probs, given, never_certain(transition))
    doubting = belief**0.6 / (belief**0.6).sum(1, keepdims=True)
    held_out = noise.held_out_belief(fit)
    plain, alike = (noise.explained_better(held_out, doubting[told.rows], equal) for equal in (False, True))

    def best(of: np.ndarray) -> float:
        raised = [of[told.rows] ** power for power in POWERS]
        return max(float(np.log(of_answers(one / one.sum(1, keepdims=True), told.labels)).mean()) for one in raised)

    assert alike[0] == pytest.approx(best(belief) - best(doubting), abs=1e-9)
    assert plain[0] > 0.03 and abs(alike[0]) < 0.01


@pytest.mark.parametrize(
    ("lead", "equal", "plain", "expected"),
    [
        (ALONE - 0.5, EQUALLY_SURE + 0.1, BORNE_OUT + 0.1, VIEWS),
        (ALONE + 0.5, EQUALLY_SURE + 0.1, BORNE_OUT + 0.1, NETWORKS),
        (ALONE - 0.5, EQUALLY_SURE - 0.1, BORNE_OUT + 1.6, WITHOUT),  # ahead by being less sure
        (ALONE - 0.5, EQUALLY_SURE + 0.1, BORNE_OUT - 0.1, WITHOUT),
    ],
)
def test_networks_alone_are_taught_for_a_clear_lead_only(
    lead: float, equal: float, plain: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explained(noise: Any, fit: Any, other: Any, equally_sure: bool = False) -> tuple[float, float]:
        return {NETWORKS: (lead, 1.0), VIEWS: (equal if equally_sure else plain, 1.0)}[fit]

    true, given, _, fold = drawn()
    monkeypatch.setattr(AnsweredNoise, "held_out_belief", lambda noise, fit: fit)
    monkeypatch.setattr(AnsweredNoise, "explained_better", explained)
    noise = AnsweredNoise(Labels(given, trusted=answers(true, 100)), CLASSES, fold)
    fits: dict[str, Any] = {NETWORKS: NETWORKS, VIEWS: VIEWS}
    assert _borne_out(noise, fits, np.ones((ROWS, CLASSES)))[0] == expected
    assert _borne_out(noise, {NETWORKS: NETWORKS}, np.ones((ROWS, CLASSES)))[0] == (  # type: ignore[dict-item]
        NETWORKS if expected == NETWORKS else WITHOUT
    )


def test_an_answer_does_not_speak_for_itself() -> None:
    """The noise matrix by which an answer is judged is not made of it, nor of others of its fold."""
    true, given, log_probs, _ = drawn()
    told = answers(true, 60)
    fold = np.zeros(ROWS, int)
    noise = AnsweredNoise(Labels(given, trusted=told), CLASSES, fold)  # all answers in one fold
    noise.strength = max(STRENGTHS)
    fit = noise.fit_sharpness(log_probs, noise.start())
    none = AnsweredNoise(Labels(given, trusted=told), CLASSES, fold)  # as without any
    transition = fit_transition(fit.probs[none.open], given[none.open], fit.transition, 8)
    alone = of_answers(half_trusted(fit.probs[told.rows], given[told.rows], never_certain(transition)), told.labels)
    found = noise.explained_better(noise.held_out_belief(fit), np.ones((60, CLASSES)))
    assert found[0] == pytest.approx(float(np.log(alone).mean()))


def test_a_network_learns_no_answer_of_its_own_fold() -> None:
    generator = torch.Generator().manual_seed(0)
    log_probs = torch.randn(2, 6, CLASSES, generator=generator).log_softmax(-1).requires_grad_()
    memory = {
        "fold": torch.tensor([0, 0, 0, 1, 1, 1]),
        "trusted": torch.tensor([-1, 2, -1, -1, 1, -1]),
        "trusted_weight": torch.tensor(7.0),
        "transition": torch.full((CLASSES, CLASSES), 1 / CLASSES),  # given labels tell nothing
    }
    state = TrainingState(memory=memory, rows=torch.arange(6))
    found = FoldForward().supervise(log_probs, torch.zeros(6, dtype=torch.long), state)
    found.loss.backward()
    assert log_probs.grad is not None and float(found.weights[1, 1]) == pytest.approx(7 / 3)
    torch.testing.assert_close(found.losses[1, 1].detach(), -log_probs[1, 1, 2].detach())
    assert found.weights[0, :3].tolist() == [0, 0, 0] and found.weights[1, 3:].tolist() == [0, 0, 0]
    assert (log_probs.grad[0, 1] == 0).all() and (log_probs.grad[1, 4] == 0).all()
    assert log_probs.grad[1, 1, 2] < 0 and log_probs.grad[0, 4, 1] < 0


@pytest.mark.parametrize(
    ("networks", "views", "expected"),
    [
        ("wrong", "right", "views"),  # the views know more of what was answered
        ("right", "wrong", "networks"),  # the views repeat the errors
        ("wrong", None, "without"),  # nothing explains the answers better than what was believed before
        ("right", None, "networks"),
    ],
)
def test_whoever_explains_held_out_answers_best_is_taught(
    networks: str, views: str | None, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rounds are given here; what is made of them is asked. Without answers the errors had been learnt."""
    true, given, wrong, fold = drawn(follows=True)
    log_probs = {"wrong": wrong, "right": drawn()[2]}
    noise = AnsweredNoise(Labels(given, trusted=TrustedLabels(np.array([0]), true[:1])), CLASSES, fold)
    start = np.eye(CLASSES) * 0.7 + 0.1
    fit = noise.fit_sharpness(log_probs[networks], start)
    monkeypatch.setattr(answered, "train_round", lambda *arguments: Round(fit, log_probs[networks], 1, 1))
    before = noise.fit_sharpness(wrong, start)
    posterior = posterior_labels(before.probs, given, before.transition)
    told = answers(true, 200)
    # Before, the answers were believed as well as they can be by what has learnt the errors.
    blind = AnsweredNoise(Labels(given, trusted=told), CLASSES, fold)
    blind.strength = max(STRENGTHS)
    known = blind.fit_sharpness(wrong, blind.start())
    targets = half_trusted(known.probs, given, never_certain(known.transition)) ** (1 if views is None else 0.01)
    targets /= targets.sum(1, keepdims=True)
    rounds = {"rounds": [{"best_epoch": 9}, {"best_epoch": 7}]}
    without = CrossFit(fold[None], before.probs, before.transition, posterior, rounds, targets)
    labels = Labels(given, trusted=told)
    found = answered.cross_fit_answered(
        lambda *arguments: None,
        labels,
        CLASSES,
        Settings(rounds=2),
        0,
        without,  # type: ignore[arg-type, return-value]
    )
    assert found.targets is None and (found.posterior[told.rows, told.labels] == 1).all()
    found = taught_with_answers(found, labels, without, None if views is None else log_probs[views])
    assert found.warm_up == 7  # of the run without answers, whose round lasted longer
    assert found.facts["targets_of"] == expected and found.facts["in_targets"] == (expected != "without")
    assert found.targets is not None
    assert (found.targets[told.rows] == found.posterior[told.rows]).all()
    others = np.setdiff1d(np.arange(ROWS), told.rows)
    if expected == "views":
        noise = AnsweredNoise(labels, CLASSES, fold)
        noise.strength = float(found.facts["strength"])
        fit = noise.fit_sharpness(log_probs["right"], found.transition)
        readings = (
            half_trusted(fit.probs, given, never_certain(fit.transition)),
            posterior_with_shares(log_probs["right"], given),
        )
        np.testing.assert_allclose(found.targets[others], np.mean(readings, 0)[others])
    if expected == "without":
        assert (found.targets[others] == targets[others]).all()
    else:
        assert (found.targets[others].argmax(1) == true[others]).mean() > 0.85
    found.save(tmp_path)
    again = CrossFit.load(tmp_path)
    assert again is not None
    for name in ("posterior", "targets", "transition"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


def test_where_noise_follows_the_rows_half_of_what_is_taught_is_by_it() -> None:
    """Targets, posterior and the gain that decides, a row at a time; without T(x) nothing of it."""
    true, given, log_probs, fold = drawn()
    told = answers(true, 200)
    labels = Labels(given, trusted=told)
    matrices = np.random.default_rng(2).dirichlet(np.ones(CLASSES), (ROWS, CLASSES)) * 0.4 + 0.6 * np.eye(CLASSES)
    even = np.full((ROWS, CLASSES), 1 / CLASSES)
    noise = AnsweredNoise(labels, CLASSES, fold)
    networks = noise.fit_sharpness(drawn(seed=3)[2], DOWN)  # which know little: those of other rows
    facts: dict[str, Any] = {"strength": 0.0, "rounds": [{"best_epoch": 3}, {"best_epoch": 4}], "rate": 0.3}
    posterior = noise.posterior(networks.probs, networks.transition)
    before = CrossFit(fold[None], networks.probs, networks.transition, posterior, facts)  # type: ignore[arg-type]
    without = CrossFit(fold[None], even, DOWN, even, facts, even)  # type: ignore[arg-type]
    found = taught_with_answers(before, labels, without, log_probs, NoiseOfRows(matrices, 0.2, 0.01))
    assert found.targets is not None and found.of_rows is matrices and found.facts["targets_of"] == VIEWS
    assert found.facts["by_rows"] and (found.facts["row_gain"], found.facts["row_gain_error"]) == (0.2, 0.01)

    views = noise.fit_sharpness(log_probs, networks.transition)
    believed_wherever = posterior_with_shares(log_probs, given)  # by noise of both kinds
    columns = np.array([matrices[row, :, given[row]] for row in range(ROWS)])
    probs = with_shares(sharpest(log_probs, columns)[2], columns)
    certain, by_class = np.eye(CLASSES), never_certain(views.transition)

    def by_rows(row: int) -> np.ndarray:
        readings = [probs[row] * columns[row] ** power for power in (1.0, 0.5)]
        return np.asarray(sum(one / one.sum() for one in readings) / 2)

    answered_rows = dict(zip(told.rows.tolist(), told.labels.tolist(), strict=True))
    for row in range(0, ROWS, 7):
        if row in answered_rows:
            np.testing.assert_array_equal(found.targets[row], certain[answered_rows[row]])
            np.testing.assert_array_equal(found.posterior[row], certain[answered_rows[row]])
            continue
        half = views.probs[row] * by_class[:, given[row]] ** 0.5
        of_classes = (half / half.sum() + believed_wherever[row]) / 2
        np.testing.assert_allclose(found.targets[row], (of_classes + by_rows(row)) / 2)
        joint = networks.probs[row] * columns[row]
        np.testing.assert_allclose(found.posterior[row], joint / joint.sum())
    np.testing.assert_allclose(found.transition, matrix_of(found.posterior, given))
    assert found.rate == pytest.approx(1 - np.mean([found.posterior[row, given[row]] for row in range(ROWS)]))

    held = (noise.held_out_belief(views) + np.array([by_rows(row) for row in told.rows])) / 2
    gains = np.log(of_answers(held, told.labels)) - np.log(of_answers(even[told.rows], told.labels))
    assert found.facts["answers_gain"] == pytest.approx(gains.mean())

    plain = taught_with_answers(before, labels, without, log_probs)
    assert plain.of_rows is None and "by_rows" not in plain.facts and plain.posterior is before.posterior
    assert plain.targets is not None and np.abs(plain.targets - found.targets).max() > 0.01


def test_views_learn_what_people_have_answered() -> None:
    told = TrustedLabels(np.array([1, 3]), np.array([2, 0]))
    given = np.array([0, 0, 1, 1])
    assert Labels(given, trusted=told).as_answered.tolist() == [0, 2, 1, 0]
    assert given.tolist() == [0, 0, 1, 1]
    soft = Labels(given, distribution=np.eye(3, dtype=np.float32)[given] * 0.4 + 0.2, trusted=told)
    np.testing.assert_allclose(soft.as_answered[[0, 1, 3]], [[0.6, 0.2, 0.2], [0, 0, 1], [1, 0, 0]], atol=1e-6)


def test_a_few_answers_do_not_drown_all_other_rows() -> None:
    assert weight_of_answers(5_000, 1, SHARE, MOST) == MOST
    assert weight_of_answers(5_000, 100, SHARE, MOST) == pytest.approx(SHARE * 50)
    assert weight_of_answers(100, 100, SHARE, MOST) == 1


@pytest.mark.parametrize(("method", "weight"), [("clc_auto", 1.0), ("standard", 3.0)])
def test_answers_weigh_more_where_nothing_else_learns_of_them(method: str, weight: float, tmp_path: Path) -> None:
    trainer = NoisyLabelTrainer(
        peers_model(),
        arguments(tmp_path),
        train_dataset=rows(),
        method=method,
        trusted=TrustedLabels(np.array([0]), np.array([1])),
        peers_init=peers_model,
    )
    trainer.train()
    answers = trainer.supervisor.answers
    assert answers is not None and answers.told[0] == 1 and answers.weight == weight


def test_views_are_heard_without_answers_and_with_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    heard: list[Any] = []
    even = np.full((4, 4), 0.25)
    found = CrossFit(np.zeros((1, 4), int), even, even, even, {})

    def cross_fit_of(
        trainer: Any,
        init: Any,
        log: Any,
        without: Any = None,
        views: Any = None,
        features: Any = None,
        shares: Any = None,
    ) -> CrossFit:
        heard.append((without, views))
        return found

    monkeypatch.setattr(trainer_module, "cross_fit_of", cross_fit_of)
    told = TrustedLabels(np.array([0]), np.array([1]))

    def views(*arguments: Any) -> None:
        return None

    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path), train_dataset=rows(), method="clc_auto", trusted=told, views=views
    )
    trainer.make_cross_fit()
    assert heard == [(None, views), (found, views)]
