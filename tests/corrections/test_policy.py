"""By which rule a label is changed: against loops over single rows."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from refusals import refused
from synthetic_run import Made

from clc_text.corrections.evidence import Evidence
from clc_text.corrections.gather import gather, noise_matrix_of
from clc_text.corrections.policy import CERTAIN, POLICIES, Policy, policy_named, policy_of
from clc_text.corrections.predictions import in_sample


def literal_evidence(
    made: Made, row: int, given: int, planted: int | None, matrix: np.ndarray | None
) -> tuple[int, float, float, float, bool]:
    """The best class beside the given one, its belief, that of the given one, entropy and agreement, written out."""
    log_probs = made.log_probs[:, row].astype(float)
    peers, classes = log_probs.shape
    p = [sum(np.exp(log_probs[k, c]) for k in range(peers)) / peers for c in range(classes)]
    if planted is not None:
        p[planted] = 0.0
    p = [value / sum(p) for value in p]
    belief = list(p)
    if matrix is not None:
        belief = [p[c] * matrix[c, given] for c in range(classes)]
        belief = [value / sum(belief) for value in belief]
    suggested = max((c for c in range(classes) if c != given), key=lambda c: belief[c])
    entropy = -sum(value * np.log(value) for value in p if value > 0)
    agree = len({max(range(classes), key=lambda c, k=k: log_probs[k, c]) for k in range(peers)}) == 1
    return suggested, belief[suggested], belief[given], float(entropy), agree


@pytest.mark.parametrize("noise_matrix", [False, True])
def test_evidence_of_every_row(made: Made, noise_matrix: bool) -> None:
    found = gather(in_sample(made.run), made.labels, Policy("p", noise_matrix=noise_matrix))
    assert (found.matrix is not None) == noise_matrix
    labels = made.labels
    for row in range(len(labels.given)):
        planted = int(labels.trained[row]) if labels.canary[row] else None
        expected = literal_evidence(made, row, int(labels.given[row]), planted, found.matrix)
        _agrees(found.rows, row, expected)
    assert found.canaries is not None
    for place, row in enumerate(np.flatnonzero(labels.canary).tolist()):
        expected = literal_evidence(made, row, int(labels.trained[row]), None, found.matrix)
        _agrees(found.canaries, place, expected)
    assert (found.rows.suggested != labels.given).all()


def _agrees(evidence: Evidence, row: int, expected: tuple[int, float, float, float, bool]) -> None:
    suggested, confidence, probability_given, entropy, agree = expected
    assert evidence.suggested[row] == suggested
    assert evidence.confidence[row] == pytest.approx(confidence, abs=1e-5)
    assert evidence.probability_given[row] == pytest.approx(probability_given, abs=1e-5)
    assert evidence.entropy[row] == pytest.approx(entropy, abs=1e-5)
    assert evidence.peers_agree[row] == agree


def test_blocks_make_no_difference(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from clc_text.corrections import predictions as module

    whole = gather(in_sample(made.run), made.labels, policy_named())
    monkeypatch.setattr(module, "BLOCK_BYTES", 4 * 2 * 6 * 7)  # seven rows
    blocks = list(in_sample(made.run).blocks())
    assert len(blocks) == -(-400 // 7)
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks], axis=1), made.log_probs)
    pieces = gather(in_sample(made.run), made.labels, policy_named())
    for name, values in vars(whole.rows).items():
        np.testing.assert_array_equal(values, getattr(pieces.rows, name))
    assert pieces.mean_confidence == pytest.approx(whole.mean_confidence)


def test_the_noise_matrix_is_found_without_the_canaries(made: Made) -> None:
    """Their flipped labels are ours, no noise of the data."""
    found = noise_matrix_of(in_sample(made.run), made.labels)
    np.testing.assert_allclose(found.sum(1), 1)
    expected = np.full((6, 6), 0.3 / 5) + np.eye(6) * (0.7 - 0.3 / 5)
    assert np.abs(np.diag(found) - np.diag(expected)).max() < 0.15
    labels = made.labels
    changed = labels.given.copy()
    changed[labels.canary] = 0
    np.testing.assert_array_equal(
        found, noise_matrix_of(in_sample(made.run), type(labels)(changed, labels.trained, labels.true, labels.canary))
    )


def test_of_a_cross_fit_s_matrix_the_canaries_part_is_taken_back(made: Made) -> None:
    """It was shown the flipped labels; the rule is about the given ones."""
    share = made.labels.canary.mean()
    assert share > 0
    transition = np.full((6, 6), 0.05) + 0.7 * np.eye(6)
    flips = np.full((6, 6), share / 5) + (1 - share - share / 5) * np.eye(6)
    shown = replace(in_sample(made.run), transition=transition @ flips)
    np.testing.assert_allclose(noise_matrix_of(shown, made.labels), transition, atol=1e-12)
    none = replace(made.labels, trained=made.labels.given, canary=np.zeros_like(made.labels.canary))
    np.testing.assert_array_equal(noise_matrix_of(shown, none), transition @ flips)


def test_conditions_row_by_row() -> None:
    random = np.random.default_rng(0)
    rows = 500
    evidence = Evidence(
        random.integers(0, 3, rows).astype(np.int32), random.random(rows).astype(np.float32),
        random.random(rows).astype(np.float32), random.random(rows).astype(np.float32), random.random(rows) < 0.5,
    )  # fmt: skip
    for agree, least, doubt, most in itertools.product((False, True), (0.0, 0.5), (0.0, 0.3), (None, 0.4)):
        policy = Policy("p", peers_agree=agree, min_confidence=least, min_doubt=doubt, max_entropy=most)
        taken = policy.takes(evidence)
        for row in range(rows):
            expected = evidence.confidence[row] >= least
            expected = expected and 1 - evidence.probability_given[row] >= doubt
            expected = expected and (evidence.peers_agree[row] or not agree)
            expected = expected and (most is None or evidence.entropy[row] <= most)
            assert taken[row] == expected
        assert taken.sum() > 0


@pytest.mark.parametrize("rival_from", [None, 0.3, 0.5])
def test_a_rival_needs_no_more_belief_than_the_given_class(made: Made, rival_from: float | None) -> None:
    policy = Policy("p", rival=rival_from is not None, min_doubt=rival_from or 0.0)
    evidence = gather(in_sample(made.run), made.labels, policy).rows
    changes = policy.changes(evidence, made.labels.given)
    less = 0
    for row in range(len(changes)):
        more_probable = evidence.confidence[row] > evidence.probability_given[row]
        doubted = rival_from is not None and 1 - evidence.probability_given[row] >= rival_from
        assert changes[row] == (more_probable if rival_from is None else doubted)
        less += bool(changes[row] and not more_probable)
    assert (less > 0) == (rival_from is not None)


def test_a_state_of_earlier_versions_that_suggests_the_given_class_is_not_changed() -> None:
    one, agree = np.array([1], np.int32), np.array([True])
    sure = np.array([0.9], np.float32)
    for rival in (False, True):
        assert not Policy("p", rival=rival).changes(Evidence(one, sure, sure, sure, agree), one).any()


def test_names_numbers_and_sentences() -> None:
    for name, policy in POLICIES.items():
        assert policy_named(name) == policy
        assert policy.resolve(0.7).sentence().startswith("a label is changed ")
    chosen = policy_named("agree", min_confidence=0.25, max_entropy=0.5)
    assert (chosen.peers_agree, chosen.min_confidence, chosen.max_entropy) == (True, 0.25, 0.5)
    assert "at least 0.25" in chosen.sentence()
    assert "at most 0.5 nats" in chosen.sentence()
    assert (
        policy_named("targets")
        .sentence()
        .endswith(
            "to the most probable other class where the networks' prediction says that the given one is wrong with a "
            "probability of at least 0.5"
        )
    )
    assert policy_named("entropy").resolve(0.7).max_entropy == 0.7
    default = policy_named().sentence()
    assert "the mixture of all views" in default and "all but one, find it" in default
    assert default.endswith("by 2 standard errors, none is changed")
    assert policy_named().of_noise(1.26).sentence().endswith("none is changed (here by 1.3)")
    assert policy_named().of_noise(-0.1).sentence().endswith("none is changed (here it does not)")
    assert policy_named("doubt").of_noise(1.26) == policy_named("doubt")


def test_without_views_networks_judge_by_what_the_user_has_set() -> None:
    assert policy_named("default").without_views() == policy_named("posterior")
    assert policy_named("doubt", min_doubt=0.9).without_views() == policy_named("targets", min_doubt=0.9)
    for name, policy in POLICIES.items():
        assert policy.views or policy.without_views() is policy, name
        assert not policy.without_views().views


def test_so_few_changes_that_none_is_made() -> None:
    """Of 100 rows 4, 5 or 6 could be changed, where at least 5 % must be."""
    policy = Policy("p", least_share=0.05)
    for count, expected in ((4, 0), (5, 5), (6, 6)):
        sure = np.where(np.arange(100) < count, 0.9, 0.1).astype(np.float32)
        evidence = Evidence(np.ones(100, np.int32), sure, 1 - sure, 1 - sure, np.ones(100, bool))
        assert policy.changes(evidence, np.zeros(100, np.int64)).sum() == expected


def test_where_noise_is_not_certain_nothing_is_changed() -> None:
    sure = np.full(4, 0.9, np.float32)
    evidence = Evidence(np.ones(4, np.int32), sure, 1 - sure, 1 - sure, np.ones(4, bool))
    given = np.zeros(4, np.int64)
    for ahead, changed in ((CERTAIN - 0.01, 0), (CERTAIN, 4), (-3.0, 0)):
        rule = policy_named().of_noise(ahead)
        assert rule.uncertain == (changed == 0) and rule.changes(evidence, given).sum() == changed
        assert policy_of(rule.to_dict()) == rule  # as it is kept beside the corrections
        assert policy_named("doubt").of_noise(ahead).changes(evidence, given).all()
    unknown = policy_named().of_noise(None)
    assert unknown.changes(evidence, given).all() and not unknown.uncertain
    assert unknown.sentence().endswith("where that is fewer than 1.5 % of all labels, none is changed")
    first = np.arange(99) == 0
    doubt = np.where(first, 0.9, 0.1).astype(np.float32)
    one = Evidence(np.ones(99, np.int32), doubt, 1 - doubt, doubt, np.ones(99, bool))
    assert not unknown.changes(one, np.zeros(99, np.int64)).any()  # 1 %
    assert policy_named().of_noise(3.0).changes(one, np.zeros(99, np.int64)).sum() == 1


@pytest.mark.parametrize(
    ("name", "numbers", "key"),
    [
        ("postrior", {}, "postrior"),
        ("agree", {"min_confidence": 1.5}, "--min-confidence"),
        ("agree", {"min_confidence": float("nan")}, "--min-confidence"),
        ("agree", {"min_doubt": -0.1}, "--min-doubt"),
        ("agree", {"max_entropy": -1.0}, "--max-entropy"),
        ("agree", {"max_entropy": float("nan")}, "--max-entropy"),
        ("entropy", {}, "entropy"),
    ],
)
def test_what_no_policy_can_be(name: str, numbers: dict[str, float], key: str) -> None:
    with refused(key=key):
        policy_named(name, **numbers).resolve(None)
