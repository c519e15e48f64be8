"""The range that is told of the wrong ones among joined labels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from drawn_votes import drawn_votes
from scipy.stats import poisson

from clc_text.data.votes import Votes
from clc_text.noise.votes.cross_fit import HeldOut, cross_fit_votes
from clc_text.noise.votes.fit import Rules, fit_votes, posterior_under
from clc_text.noise.votes.matrices import Shrinkage, counted, shrunk_matrices
from clc_text.noise.votes.wrong import _alike


def rare_sources(
    seed: int, alike: float, places: int = 5, rows: int = 600, each: int = 20
) -> tuple[Votes, np.ndarray, HeldOut]:
    """So many votes a row of sources with `each` votes, right on 90 to 98 %; on a share of rows nearly all err alike.
    And a classifier that is right on 19 rows of 20, and says so."""
    random = np.random.default_rng(seed)
    true = random.integers(0, 2, rows)
    at_a_place = rows // each  # others at each of a row's places, so that none is there twice
    source = np.stack([random.permutation(rows) % at_a_place + place * at_a_place for place in range(places)], 1)
    accuracy = random.uniform(0.9, 0.98, source.max() + 1)[source]
    accuracy[random.random(rows) < alike] = 0.05
    said = np.where(random.random(accuracy.shape) < accuracy, true[:, None], 1 - true[:, None])
    names = [str(one) for one in range(int(source.max()) + 1)]
    votes = Votes.of(np.repeat(np.arange(rows), places), source.ravel(), said.ravel(), rows, names, 2)
    sees = np.where(random.random(rows) < 0.95, true, 1 - true)
    log_probs = np.log(np.where(np.arange(2) == sees[:, None], 0.95, 0.05))
    return votes, true, lambda belief, number: log_probs


@pytest.mark.parametrize("alike", [0.0, 0.03])
@pytest.mark.parametrize("places", [2, 3, 5])
def test_the_range_of_many_rare_sources_holds_the_truth(places: int, alike: float) -> None:
    for seed, heard in product(range(2), (True, False)):
        votes, true, classifier = rare_sources(seed, alike, places)
        found = cross_fit_votes(votes, classifier if heard else None)
        wrong = float((found.posterior.argmax(1) != true).mean())
        low, middle, high = found.facts["wrong"]
        assert low <= wrong <= high and low <= middle <= high
        assert high < 0.25


def test_its_ends_are_the_readings_that_are_told() -> None:
    """Without a classifier: independent witnesses, and errors that go together further, by the literal formula."""
    votes, _, _ = rare_sources(0, 0.03)
    found = cross_fit_votes(votes, None)
    rules, labels = Rules.of(votes), found.posterior.argmax(1)
    fits = [
        fit_votes(votes, rules, None, Shrinkage(*found.facts["shrinkage"]), dependence=one)
        for one in (0.0, found.facts["dependence"])
    ]
    assert fits[1].posterior == pytest.approx(found.posterior)
    shares = fits[1].posterior.sum(0) + 1e-9
    further = {0.0: 0.5, 0.05: 0.5, 0.1: 0.5, 0.25: 1.0, 0.5: 1.0, 1.0: 1.0}[found.facts["dependence"]]
    tight = shrunk_matrices(counted(votes, fits[1].posterior), Shrinkage(32.0, 32.0))
    together = np.empty((2, *found.posterior.shape))
    for row in range(votes.rows):
        mine = votes.row == row
        for reading, matrices in enumerate((fits[1].matrices, tight)):
            logs = np.log(matrices[votes.source[mine], :, votes.label[mine]]).sum(0)
            together[reading, row] = np.exp(logs / (1 + (mine.sum() - 1) * further)) * shares
    together /= together.sum(2, keepdims=True)
    each = np.arange(votes.rows)
    least = 1 - fits[0].posterior[each, labels].mean()
    most = max(1 - belief[each, labels].mean() for belief in together)
    low, middle, high = found.facts["wrong"]
    assert middle == pytest.approx(1 - found.posterior.max(1).mean())
    assert low == pytest.approx(poisson.ppf(0.05, least * votes.rows) / votes.rows, abs=2 / votes.rows)
    assert high == pytest.approx(poisson.ppf(0.95, most * votes.rows) / votes.rows, abs=0.01)


def test_a_belief_under_what_it_was_fitted_with_is_itself() -> None:
    drawn = drawn_votes(400, [0.9, 0.8, 0.7], 3, 0.9)
    rules = Rules.of(drawn.votes)
    for log_probs in (None, drawn.log_probs):
        fit = fit_votes(drawn.votes, rules, log_probs, rounds=400, dependence=0.1)
        assert posterior_under(drawn.votes, rules, fit, log_probs, 0.1) == pytest.approx(fit.posterior, abs=1e-3)


def test_where_sources_are_rules_the_most_is_what_they_say_themselves() -> None:
    """A classifier has learnt their common errors; who hears it is too sure."""
    random = np.random.default_rng(0)
    true, each = random.integers(0, 3, 900), np.arange(900)
    texts = random.random(900)  # those that the rules read alike, and take for class 0
    fires = np.where(texts < 0.3, 0, true)
    said = np.stack([np.where((fires == number) & (random.random(900) < 0.7), number, -1) for number in (0, 1, 2)], 1)
    said = np.concatenate([said, np.where(random.random((900, 1)) < 0.3, said[:, :1], -1)], 1)
    votes = Votes.of_table(said, 3)
    classifier = np.log(0.02 + 0.94 * np.eye(3)[fires])
    found = cross_fit_votes(votes, lambda belief, number: classifier)
    assert found.facts["rules"] == 4 and found.facts["power"]
    labels = found.posterior.argmax(1)
    low, middle, high = found.facts["wrong"]
    alone = cross_fit_votes(votes, None).posterior
    assert high >= 1 - alone[each, labels].mean() > middle
    assert low <= (labels != true).mean() <= high


def test_where_nothing_contradicts_a_vote_nothing_is_known() -> None:
    """A vote a row of several sources, and no classifier: told was that none is wrong."""
    random = np.random.default_rng(0)
    votes = Votes.of(np.arange(300), np.arange(300) % 3, random.integers(0, 4, 300), 300, ["a", "b", "c"], 4)
    low, middle, high = cross_fit_votes(votes, None).facts["wrong"]
    assert low == middle == 0 and high == 0.75  # of four classes as many as by guessing, and no more


def test_how_often_sources_are_right_by_the_agreement_of_pairs() -> None:
    for classes, accuracy in ((2, 0.9), (4, 0.7)):
        drawn = drawn_votes(4000, [accuracy] * 3, classes, 1.0, sureness=0.0)
        assert _alike(drawn.votes)[0] == pytest.approx(drawn.matrices[0], abs=0.02)


def test_a_copy_checks_nothing() -> None:
    """A source that is there twice agrees with itself, right or wrong: nothing is known of either."""
    random = np.random.default_rng(0)
    true = random.integers(0, 2, 400)
    said = np.where(random.random(400) < 0.8, true, 1 - true)
    found = cross_fit_votes(Votes.of_table(np.stack([said, said], 1), 2), None)
    assert not found.facts["checked"]
    assert (found.posterior.argmax(1) == said).all()
    low, _, high = found.facts["wrong"]
    assert low <= 0.1 and high == pytest.approx(0.5)
