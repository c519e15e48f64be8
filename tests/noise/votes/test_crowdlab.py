"""CROWDLAB beside cleanlab, which is called literally."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from drawn_votes import drawn_votes
from refusals import refused

from clc_text.data.votes import Votes
from clc_text.noise.votes.crowdlab import crowdlab

multiannotator = pytest.importorskip("cleanlab.multiannotator", reason="cleanlab is not installed (extra `cleanlab`)")


def by_cleanlab(votes: Votes, log_probs: np.ndarray, consensus: str) -> tuple[np.ndarray, np.ndarray]:
    """The consensus [N] and its quality [N]; every row and source must have a vote."""
    said = np.full((votes.rows, len(votes.sources)), np.nan)
    for row, source, label in zip(votes.row, votes.source, votes.label, strict=True):
        said[row, source] = label
    told = multiannotator.get_label_quality_multiannotator(
        pd.DataFrame(said), np.exp(log_probs), consensus_method=consensus, verbose=False
    )
    quality = told["label_quality"]
    return quality["consensus_label"].to_numpy(), quality["consensus_quality_score"].to_numpy()


@pytest.mark.parametrize(("classes", "seed"), [(2, 0), (3, 1), (5, 2)])
def test_labels_and_belief_are_cleanlabs(classes: int, seed: int) -> None:
    drawn = drawn_votes(400, [0.9, 0.75, 0.6, 0.5], classes, 1.0, seed=seed)
    random = np.random.default_rng(seed)
    some = drawn.votes.part((random.random(len(drawn.votes)) < 0.6) | (drawn.votes.source == 0))  # one on each row
    belief = crowdlab(some, drawn.log_probs).posterior
    best, _ = by_cleanlab(some, drawn.log_probs, "best_quality")
    assert (belief.argmax(1) == best).all()
    majority, quality = by_cleanlab(some, drawn.log_probs, "majority_vote")
    assert belief[np.arange(400), majority] == pytest.approx(quality)
    assert belief.sum(1) == pytest.approx(np.ones(400))


def test_a_row_without_votes_has_what_the_classifier_says_and_a_silent_source_is_nobody() -> None:
    drawn = drawn_votes(300, [0.9, 0.7, 0.6], 3, 1.0)
    kept = drawn.votes.part(drawn.votes.row >= 20)
    silent = Votes.of(kept.row, kept.source, kept.label, 300, [*kept.sources, "nobody"], 3)
    found = crowdlab(silent, drawn.log_probs).posterior
    assert found[:20] == pytest.approx(np.exp(drawn.log_probs[:20]))
    alone = crowdlab(kept.of_rows(np.arange(20, 300)), drawn.log_probs[20:]).posterior
    assert found[20:] == pytest.approx(alone)


def test_of_a_distribution_the_likeliest_class_is_read() -> None:
    drawn = drawn_votes(200, [0.9, 0.7, 0.6], 3, 1.0)
    table = np.full((200, 3, 3), 0.1)
    table[drawn.votes.row, drawn.votes.source, drawn.votes.label] = 0.8
    soft = Votes.of_table(table, 3, drawn.votes.sources)
    assert crowdlab(soft, drawn.log_probs).posterior == pytest.approx(crowdlab(drawn.votes, drawn.log_probs).posterior)


def test_a_label_a_row_and_a_missing_library_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = drawn_votes(100, [0.9, 0.7], 2, 1.0)
    single = drawn.votes.part(drawn.votes.source == drawn.votes.row % 2)
    with refused(key="data.join"):
        crowdlab(single, drawn.log_probs)
    monkeypatch.setitem(sys.modules, "cleanlab.multiannotator", None)
    with refused(key="data.join") as caught:
        crowdlab(drawn.votes, drawn.log_probs)
    assert "pip install 'clc-text[cleanlab]'" in str(caught.value)
