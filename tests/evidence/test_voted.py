"""The classifier beside votes: blind to a row's fold, and deaf to words where sources are rules."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from clc_text.data.votes import Votes
from clc_text.evidence.soft_linear import soft_linear, soft_logs
from clc_text.evidence.views.base import unit_rows
from clc_text.evidence.voted import blind_regressions, hears_words, joined_by


def test_each_row_is_foretold_by_regressions_on_the_other_folds() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(40, 5)).astype(np.float32)
    words = csr_matrix(unit_rows(random.random((40, 7)).astype(np.float32)))
    belief, dealt = random.dirichlet(np.ones(3), 40), random.integers(0, 4, (2, 40))
    given = np.log(random.dirichlet(np.ones(3), 40))
    found = blind_regressions([features, words], dealt, [given])(belief, 1)
    dense = [unit_rows(features).astype(np.float64), words.toarray().astype(np.float64)]
    for row in range(0, 40, 5):
        others = dealt[1] != dealt[1][row]
        logs = [given[row]] + [
            soft_logs(one[row : row + 1], soft_linear(one[others], belief[others]))[0] for one in dense
        ]
        probs = np.exp(sum(logs) / 3)
        np.testing.assert_allclose(np.exp(found[row]), probs / probs.sum(), atol=1e-5)


def test_a_belief_about_its_own_fold_changes_nothing() -> None:
    random = np.random.default_rng(1)
    features, dealt = random.normal(size=(30, 4)).astype(np.float32), random.integers(0, 3, (1, 30))
    belief = random.dirichlet(np.ones(2), 30)
    held_out = blind_regressions([features], dealt)
    other, own = belief.copy(), dealt[0] == 1
    other[own] = other[own][:, ::-1]
    assert (held_out(belief, 0)[own] == held_out(other, 0)[own]).all()
    assert (held_out(belief, 0)[~own] != held_out(other, 0)[~own]).any()


def test_words_are_not_heard_beside_features_where_sources_are_rules() -> None:
    """Each rule fires on a word; people say both classes."""
    random = np.random.default_rng(2)
    true = random.integers(0, 2, 400)
    said = np.where(random.random((2, 400)) < 0.8, true, 1 - true)
    rules = np.flatnonzero(random.random(400) < 0.5)
    by_rules = Votes.of(rules, said[0][rules], said[0][rules], 400, ["zero", "one"], 2)
    by_people = Votes.of_table(said.T, 2, ["ann", "bob"])
    words = csr_matrix(np.eye(2, dtype=np.float32)[said[0]])
    assert not hears_words(by_rules) and hears_words(by_people)
    features = random.normal(size=(400, 3)).astype(np.float32)
    with_words = joined_by(by_rules, features, words).posterior
    assert (with_words == joined_by(by_rules, features).posterior).all()
