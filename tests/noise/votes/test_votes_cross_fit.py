"""When a classifier is heard, and that one label a row gives what it gave before votes were known."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from drawn_votes import Drawn, drawn_votes
from refusals import refused

from clc_text.data.votes import Votes
from clc_text.noise.estimation.noise_fit import fit_noise, fit_shares, posterior_labels
from clc_text.noise.votes.cross_fit import cross_fit_votes, joined_again, power_of
from clc_text.noise.votes.fit import LOOSE, TIGHT, Rules, fit_votes, normalised_logs
from clc_text.noise.votes.held_out import JUDGED_BY, ROUNDS, dealt, held_out_likelihood
from clc_text.noise.votes.matrices import Shrinkage, counted, shrunk_matrices
from clc_text.noise.votes.wrong import DEPENDENCES

CROWD = Path(os.environ.get("CLC_TEXT_DATA", ""), "crowd")


def right(belief: np.ndarray, drawn: Drawn) -> float:
    return float((belief.argmax(1) == drawn.true).mean())


def test_one_source_is_as_before_to_the_bit() -> None:
    drawn = drawn_votes(300, [0.7], 3, 1.0)
    found = cross_fit_votes(drawn.votes, lambda belief, number: drawn.log_probs)
    labels = drawn.votes.label
    fit = fit_shares(fit_noise(drawn.log_probs, labels), labels)
    assert (found.posterior == posterior_labels(fit.probs, labels, fit.transition)).all()
    assert (found.matrices[0] == fit.transition).all()
    assert (cross_fit_votes(drawn.votes, None).posterior == np.eye(3)[labels]).all()


def test_a_classifier_that_knows_helps() -> None:
    drawn = drawn_votes(800, [0.75, 0.7, 0.65, 0.8], 3, 0.5, sureness=3.0)
    alone = cross_fit_votes(drawn.votes, None)
    found = cross_fit_votes(drawn.votes, lambda belief, number: drawn.log_probs)
    assert found.facts["power"] > 0 and found.facts["gain"] > 0.1
    assert right(found.posterior, drawn) > right(alone.posterior, drawn) + 0.05


@pytest.mark.parametrize(("behind", "power"), [(0.0005, 4.0), (0.1, 1.0)])
def test_a_classifier_is_heard_as_far_as_votes_do_not_clearly_speak_against_it(behind: float, power: float) -> None:
    """Held-out votes are likeliest by the first power, under no dependence, and as likely or less by the others."""
    votes = drawn_votes(400, [0.8, 0.7, 0.9], 2, 1.0).votes
    spread = np.random.default_rng(0).normal(0, 0.05, len(votes))

    def likely(dependence: float, heard: float, log_probs: np.ndarray | None) -> np.ndarray:
        return np.full(len(votes), -0.5 if heard else -0.9) - behind * np.log2(heard or 1) + spread * (heard == 4)

    found = power_of(likely, votes, 0.25, np.zeros((400, 2)), DEPENDENCES, 0.0)
    assert (found["power"], found["likeliest"], found["dependence"]) == (power, 1.0, 0.0)
    assert found["gain"] == pytest.approx(0.4)
    assert power_of(likely, votes, 0.25, np.zeros((400, 2)), (0.25,), 0.5) == found | {"power": 0, "dependence": 0.25}


def test_a_classifier_that_knows_nothing_changes_nothing() -> None:
    drawn = drawn_votes(600, [0.75, 0.7, 0.65, 0.8], 3, 0.7)
    noise = np.log(np.random.default_rng(1).dirichlet(np.ones(3), 600))
    found = cross_fit_votes(drawn.votes, lambda belief, number: noise)
    assert found.facts["power"] == 0
    assert (found.posterior == cross_fit_votes(drawn.votes, None).posterior).all()


def test_one_vote_a_row_is_corrected_only_by_a_classifier_that_knows_much() -> None:
    drawn = drawn_votes(1500, [0.8], 2, 1.0, seed=2, sureness=5.0)
    source = np.random.default_rng(3).integers(0, 30, 1500)
    votes = Votes.of(np.arange(1500), source, drawn.votes.label, 1500, [str(one) for one in range(30)], 2)
    found = cross_fit_votes(votes, lambda belief, number: drawn.log_probs)
    assert found.facts["shrinkage"] == list(TIGHT)
    assert right(found.posterior, drawn) > right(votes.majority, drawn) + 0.05
    weak = np.log(0.45 + 0.1 * np.eye(2)[votes.label])  # foretells the votes a little, whatever the classes are
    assert (cross_fit_votes(votes, lambda belief, number: weak).posterior.argmax(1) == votes.label).all()


def test_a_vote_that_nothing_checks_counts_for_half_beside_a_classifier() -> None:
    """So more labels are told to be wrong, too."""
    drawn = drawn_votes(1500, [0.8], 2, 1.0, seed=2, sureness=5.0)
    source = np.random.default_rng(3).integers(0, 30, 1500)
    names = [str(one) for one in range(30)]
    votes = Votes.of(np.arange(1500), source, drawn.votes.label, 1500, names, 2)
    found = cross_fit_votes(votes, lambda belief, number: drawn.log_probs)
    assert found.facts["trust"] == 0.5 and not found.facts["checked"]
    heard = normalised_logs(found.facts["power"] * drawn.log_probs)
    whole, half = (fit_votes(votes, Rules.of(votes), heard, TIGHT, trust=trust).posterior for trust in (1, 0.5))
    assert (found.posterior == half).all()
    assert half.max(1).mean() < whole.max(1).mean()
    again = joined_again(votes, found)
    assert (again.posterior == found.posterior).all() and (again.matrices == found.matrices).all()
    several = drawn_votes(300, [0.8, 0.7, 0.9], 2, 0.9, seed=1, sureness=5.0)
    checked = cross_fit_votes(several.votes, lambda belief, number: several.log_probs)
    assert checked.facts["checked"] and checked.facts["power"] and checked.facts["trust"] == 1


def test_the_classifier_learns_the_belief_of_the_round_before() -> None:
    drawn = drawn_votes(200, [0.8, 0.7, 0.9], 2, 0.8)
    seen: list[np.ndarray] = []

    def held_out(belief: np.ndarray, number: int) -> np.ndarray:
        assert number == len(seen)
        seen.append(belief)
        return drawn.log_probs

    found = cross_fit_votes(drawn.votes, held_out, rounds=3)
    assert len(seen) == 3
    assert (seen[0] == cross_fit_votes(drawn.votes, None).posterior).all()
    assert (found.posterior == seen[2]).all()  # the same p each time


def test_held_out_likelihood_against_loops() -> None:
    drawn = drawn_votes(40, [0.8, 0.6, 0.7], 2, 0.8)
    votes, rules = drawn.votes, Rules.of(drawn.votes)
    part = dealt(votes, 3, 5)
    found = held_out_likelihood(votes, rules, drawn.log_probs, LOOSE, 5)
    for entry in range(len(votes)):
        seen = votes.part(part != part[entry])
        posterior = fit_votes(seen, rules, drawn.log_probs, LOOSE, ROUNDS).posterior
        matrices = shrunk_matrices(counted(seen, posterior), JUDGED_BY)
        row, source, label = votes.row[entry], votes.source[entry], votes.label[entry]
        expected = np.log(sum(posterior[row, c] * matrices[source, c, label] for c in range(2)))
        assert found[entry] == pytest.approx(expected)


def test_votes_of_one_row_are_dealt_apart() -> None:
    votes = drawn_votes(50, [0.8] * 3, 2, 1.0).votes
    part = dealt(votes, 3, 0)
    for row in range(50):
        assert sorted(part[votes.row == row].tolist()) == [0, 1, 2]


def test_too_many_sources_are_refused() -> None:
    votes = Votes.of(np.array([0]), np.array([0]), np.array([0]), 1, [""] * 300_000, 30)
    with refused(key="sources"):
        cross_fit_votes(votes, None)


def hard_rows(rows: int = 1500, sources: int = 5, seed: int = 0) -> tuple[Votes, np.ndarray]:
    """Two classes; on two rows of five every source says the wrong one with 0.4, else with 0.04."""
    random = np.random.default_rng(seed)
    true = random.integers(0, 2, rows)
    wrong = np.where(random.random(rows) < 0.4, 0.4, 0.04)
    said = np.where(random.random((rows, sources)) < wrong[:, None], 1 - true[:, None], true[:, None])
    return Votes.of_table(said, 2), true


def test_errors_that_go_together_are_not_counted_as_independent() -> None:
    votes, true = hard_rows()
    found = cross_fit_votes(votes, None)
    assert found.facts["dependence"] > 0
    independent = fit_votes(votes, Rules.of(votes), None).posterior
    wrong = float((found.posterior.argmax(1) != true).mean())
    nats = [
        -np.log(belief[np.arange(len(true)), true].clip(1e-12)).mean() for belief in (found.posterior, independent)
    ]
    assert nats[0] < nats[1] / 1.2
    low, middle, high = found.facts["wrong"]
    assert low <= middle <= high and 1 - independent.max(1).mean() < middle / 1.5
    assert middle < wrong  # what all err in together no vote can show


def test_a_rows_only_vote_counts_in_full_whatever_goes_together() -> None:
    votes, _ = hard_rows(200)
    one = votes.part(votes.source == votes.row % 5)
    rules = Rules.of(one)
    beliefs = [fit_votes(one, rules, None, dependence=dependence).posterior for dependence in (0.0, 1.0)]
    assert (beliefs[0] == beliefs[1]).all()


def test_one_vote_a_row_is_left_alone_without_a_classifier() -> None:
    drawn = drawn_votes(600, [0.8], 2, 1.0, seed=2)
    source = np.random.default_rng(3).integers(0, 30, 600)
    votes = Votes.of(np.arange(600), source, drawn.votes.label, 600, [str(one) for one in range(30)], 2)
    assert (cross_fit_votes(votes, None).posterior == votes.majority).all()


def three_people(seed: int, slip: bool = False) -> tuple[Votes, np.ndarray]:
    """400 rows, one of 20 in class 1, by people who are right on 93, 88 and 85 % of them; two leave rows out. With
    a slip of the pen one vote is for a class 2."""
    random = np.random.default_rng(seed)
    true = (np.arange(400) % 20 == 0).astype(np.int64)
    said = np.stack([np.where(random.random(400) < right, true, 1 - true) for right in (0.93, 0.88, 0.85)], 1)
    said[:, :2][random.random((400, 2)) < 0.4] = -1
    if slip:
        said[7, 2] = 2
    return Votes.of_table(said, 3 if slip else 2), true


@pytest.mark.parametrize("slip", [False, True])
def test_a_rare_class_does_not_get_the_rows_on_which_people_differ(slip: bool) -> None:
    for seed in range(3):
        votes, true = three_people(seed, slip)
        found = cross_fit_votes(votes, None)
        counts = votes.counts
        best = counts >= counts.max(1, keepdims=True)
        majority = float((best[np.arange(400), true] / best.sum(1)).mean())
        assert found.facts["shrinkage"][2], "nothing is found of sources but how often they are right"
        assert (found.posterior.argmax(1) == true).mean() > majority
        assert found.posterior.mean(0)[1:].sum() < 0.12
        assert joined_again(votes, found).posterior == pytest.approx(found.posterior)


def test_even_matrices_by_the_literal_formula() -> None:
    counts = np.random.default_rng(0).uniform(0, 20, (4, 3, 3))
    found = shrunk_matrices(counts, Shrinkage(8.0, 1.0, even=True))
    pool = sum(counts[j, c, c] for j in range(4) for c in range(3)) / counts.sum()
    for source in range(4):
        accuracy = (np.trace(counts[source]) + 8 * pool) / (counts[source].sum() + 8)
        for true in range(3):
            for said in range(3):
                expected = accuracy if true == said else (1 - accuracy) / 2
                assert found[source, true, said] == pytest.approx(expected)


@pytest.mark.skipif(
    not (CROWD / "rte_votes.csv").is_file(), reason="there is no crowd/rte_votes.csv in $CLC_TEXT_DATA"
)
@pytest.mark.parametrize("seed", [101, 111, 112])
def test_two_votes_a_row_of_which_one_class_is_often_denied(seed: int) -> None:
    """Matrices that are even (`LESS`) had 52 to 63 % of these rows right."""
    parts = []
    for name in ("rte_texts.csv", "rte_votes.csv"):
        with open(CROWD / name, newline="", encoding="utf-8") as handle:
            parts.append(list(csv.DictReader(handle)))
    place = {row["id"]: number for number, row in enumerate(parts[0])}
    true = np.array([int(row["gold"] == "TRUE") for row in parts[0]])
    row, source, label = (
        np.array([one(vote) for vote in parts[1]])
        for one in (lambda vote: place[vote["id"]], lambda vote: int(vote["worker"]), lambda vote: int(vote["vote"]))
    )
    every = Votes.of(row, source, label, len(true), [str(one) for one in range(source.max() + 1)], 2)
    order = np.lexsort((np.random.default_rng(seed).random(len(every)), every.row))
    votes = every.part(np.sort(order.reshape(len(true), -1)[:, :2].ravel()))
    by_majority = votes.majority[np.arange(len(true)), true].mean()
    assert (cross_fit_votes(votes, None, seed).posterior.argmax(1) == true).mean() > by_majority + 0.02


def said_by(rows: int, rare: float, errs: tuple[float, float], people: int, seed: int) -> tuple[Votes, np.ndarray]:
    """Votes of people who err on each of two classes as often as given here, and the true classes [N]."""
    random = np.random.default_rng(seed)
    true = (random.random(rows) < rare).astype(int)
    err = np.asarray(errs)[true][:, None]
    return Votes.of_table(np.where(random.random((rows, people)) < err, 1 - true[:, None], true[:, None]), 2), true


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("rare", "err", "people"), [(0.04, 0.1, 5), (0.04, 0.2, 3), (0.04, 0.2, 5), (0.1, 0.2, 3)])
def test_a_rare_class_does_not_get_all_rows_that_are_disputed(rare: float, err: float, people: int, seed: int) -> None:
    """Matrices of their own had 48 to 93 % of these rows right; the majority has 88 to 99."""
    votes, true = said_by(600, rare, (err, err), people, seed)
    by_majority = (votes.counts.argmax(1) == true).mean()
    found = cross_fit_votes(votes, None).posterior
    assert (found.argmax(1) == true).mean() > by_majority and abs(found.argmax(1).mean() - rare) < 0.07


@pytest.mark.parametrize("seed", [0, 1])
def test_errors_of_one_class_are_found_where_votes_tell_them(seed: int) -> None:
    """Even matrices have 76 % of these rows right, the majority 79 or 80."""
    votes, true = said_by(600, 0.3, (0.02, 0.6), 5, seed)
    assert (cross_fit_votes(votes, None).posterior.argmax(1) == true).mean() > 0.88


def alike_on_all_classes(
    shares: list[float], accuracies: list[float], seed: int, rows: int = 600
) -> tuple[Votes, np.ndarray]:
    """Votes of people on all rows who err to any other class alike, and the true classes [N]."""
    random, classes = np.random.default_rng(seed), len(shares)
    true = random.choice(classes, rows, p=shares)
    other = (true + random.integers(1, classes, (len(accuracies), rows))) % classes
    said = np.where(random.random(other.shape) < np.array(accuracies)[:, None], true, other)
    return Votes.of_table(said.T, classes), true


def shared_right(belief: np.ndarray, true: np.ndarray) -> float:
    """The share of rows whose likeliest class is the true one, of several as likely ones each for its part."""
    best = belief >= belief.max(1, keepdims=True) - 1e-9
    return float((best[np.arange(len(true)), true] / best.sum(1)).mean())


@pytest.mark.parametrize("accuracies", [[0.8, 0.8], [0.9, 0.6], [0.8, 0.25]])
def test_two_people_are_never_joined_worse_than_by_their_majority(accuracies: list[float]) -> None:
    """Who of them is the better one would be a guess: one of 90 and one of 60 % had 72 % of the rows right, 75 by the
    majority; beside one who guesses, 36 where the majority has 52."""
    joined, majority = [], []
    for seed in range(4):
        votes, true = alike_on_all_classes([0.25] * 4, accuracies, seed)
        found = cross_fit_votes(votes, None)
        joined.append(shared_right(found.posterior, true))
        majority.append(shared_right(votes.majority, true))
        low, _, high = found.facts["wrong"]
        assert low <= (found.posterior.argmax(1) != true).mean() <= high
    assert np.mean(joined) > np.mean(majority) - 0.012


def test_two_people_who_agree_as_guessing_would_check_nothing() -> None:
    votes, _ = alike_on_all_classes([0.5, 0.5], [0.9, 0.5], 0)
    found = cross_fit_votes(votes, None)
    assert not found.facts["checked"]
    assert found.posterior == pytest.approx(votes.majority)


def test_two_people_of_whom_one_class_is_often_missed() -> None:
    """What they contradict each other in may be of either class: neither is believed by default."""
    joined, majority = [], []
    for seed in range(6):
        votes, true = said_by(600, 0.5, (0.02, 0.4), 2, seed)
        found = cross_fit_votes(votes, None)
        joined.append(shared_right(found.posterior, true))
        majority.append(shared_right(votes.majority, true))
    assert np.mean(joined) > np.mean(majority) - 0.01


@pytest.mark.parametrize(("err", "people"), [(0.2, 3), (0.2, 5), (0.1, 3), (0.1, 2)])
def test_a_rare_class_keeps_its_share(err: float, people: int) -> None:
    """600 rows, one of 25 in the second class: by shares that are drawn towards each other .07 were found."""
    shares, held = [], 0
    for seed in range(6):
        votes, true = said_by(600, 0.04, (err, err), people, seed)
        found = cross_fit_votes(votes, None)
        low, _, high = found.facts["wrong"]
        held += low <= (found.posterior.argmax(1) != true).mean() <= high
        shares.append(fit_votes(votes, Rules.of(votes), None, Shrinkage(8.0, 1.0, even=True)).posterior.mean(0)[1])
    assert np.mean(shares) == pytest.approx(0.04, abs=0.015)
    assert held >= 4, "before, the range began above the truth on six of eight draws with three people"


def test_a_dependence_does_not_make_a_rare_class_rarer() -> None:
    votes, _ = said_by(600, 0.1, (0.2, 0.2), 3, 0)
    rules, even = Rules.of(votes), Shrinkage(8.0, 1.0, even=True)
    alone, together = (fit_votes(votes, rules, None, even, dependence=one) for one in (0.0, 0.1))
    assert together.matrices == pytest.approx(alone.matrices)
    assert together.posterior.max(1).mean() < alone.posterior.max(1).mean()


def test_a_rule_beside_people_leaves_them_as_they_are() -> None:
    """It has no other class, and even matrices were refused for its sake: 88 % right, 96 without it."""
    random = np.random.default_rng(0)
    votes, true = said_by(600, 0.1, (0.12, 0.12), 3, 0)
    fires = random.random(600) < np.where(true == 1, 0.6, 0.03)
    table = np.column_stack([votes.label.reshape(600, 3), np.where(fires, 1, -1)])
    beside, alone = cross_fit_votes(Votes.of_table(table, 2), None), cross_fit_votes(votes, None)
    assert beside.posterior == pytest.approx(alone.posterior)
    assert beside.matrices[3, :, 1].min() > 0.9, "what it says is told as it is"


def calibrated(random: np.random.Generator, true: np.ndarray, classes: int, sure: float) -> np.ndarray:
    """float64 [N, C], probabilities that hold, of somebody who sees each class's score with noise."""
    scores = random.normal(size=(len(true), classes)) + sure * np.eye(classes)[true]
    return np.exp(sure * scores) / np.exp(sure * scores).sum(1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities_tell_more_than_their_likeliest_classes(classes: int) -> None:
    random = np.random.default_rng(0)
    true = random.integers(0, classes, 800)
    votes = Votes.of_table(np.stack([calibrated(random, true, classes, sure) for sure in (2.0, 1.5, 1.8)], 1), classes)
    joined, hard = (cross_fit_votes(one, None) for one in (votes, votes.likeliest))
    wrong, of_hard = (float((one.posterior.argmax(1) != true).mean()) for one in (joined, hard))
    assert wrong < 0.8 * of_hard
    least, _, most = joined.facts["wrong"]
    assert least <= wrong <= most


@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities_beside_people_do_not_overrule_them_where_they_are_even(classes: int) -> None:
    random = np.random.default_rng(1)
    true = random.integers(0, classes, 800)
    said = np.where(random.random((800, 2)) < 0.8, true[:, None], random.integers(0, classes, (800, 2)))
    model = calibrated(random, true, classes, 2.0)
    model[:400] = 1 / classes
    votes = Votes.of_table(np.stack([*np.eye(classes)[said.T], model], 1), classes)
    right = cross_fit_votes(votes, None).posterior.argmax(1) == true
    assert right[:400].mean() > 0.75
    assert right[400:].mean() > 0.9
    one = Votes.of_table(np.stack([np.eye(classes)[said[:, 0]], model], 1), classes)
    assert (cross_fit_votes(one, None).posterior.argmax(1) == true)[:400].mean() > 0.75


def test_no_votes_at_all() -> None:
    found = cross_fit_votes(Votes.of_table(np.full((20, 3), -1), 4), None)
    assert found.posterior == pytest.approx(np.full((20, 4), 0.25))
