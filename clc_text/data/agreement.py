"""How far sources agree, and how often each is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from clc_text.data.votes import Votes


def krippendorff_alpha(votes: Votes) -> float | None:
    """Krippendorff's α of classes without order: 1 − observed / expected disagreement, over the rows with two votes
    or more; None where no row has two, or all say one class. It is of values, so that a vote that is a distribution
    counts as its likeliest class: by shares, a source that is never sure would disagree with itself.

    Source: K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011, part D.
    """
    counts = votes.likeliest.counts
    said = counts.sum(1)
    paired = votes.per_row > 1
    counts, said = counts[paired], said[paired]
    together = counts.sum(0)
    total = together.sum()
    expected = total**2 - (together**2).sum()
    if not len(said) or expected <= 0:
        return None
    observed = ((said**2 - (counts**2).sum(1)) / np.maximum(said - 1, 1e-9)).sum()
    return float(1 - (total - 1) * observed / expected)


def soft_votes(votes: Votes) -> int:
    """How many votes are distributions."""
    return int((votes.weight[votes.starts] < 1).sum())


def alpha_in_words(alpha: float | None, soft: int) -> str:
    """Krippendorff's α, and what it is of."""
    if alpha is None:
        return "no row has two"
    of = f" of the likeliest classes ({soft:,} labels are probabilities)" if soft else ""
    return f"Krippendorff's alpha{of} {alpha:.3f}"


def agreement_with_others(votes: Votes) -> np.ndarray:
    """float64 [J], the share of a source's votes for what most others say, on rows that others speak of; where several
    classes are as frequent, a share of one; NaN where nobody else speaks."""
    counts, sources = votes.counts, len(votes.sources)
    said, agreed = np.zeros(sources), np.zeros(sources)
    for entries, row, vote in votes.blocks():
        label, weight, source = votes.label[entries], votes.weight[entries], votes.source[entries]
        rest = counts[row]
        rest[vote, label] -= weight  # the whole distribution, where it is one
        top = rest.max(1)
        best = rest >= top[:, None] - 1e-9
        agrees = np.where(best[vote, label], 1 / best.sum(1)[vote], 0.0)
        heard = np.where(top[vote] > 1e-9, weight, 0.0)
        said += np.bincount(source, heard, sources)
        agreed += np.bincount(source, heard * agrees, sources)
    return np.divide(agreed, said, out=np.full(sources, np.nan), where=said > 0)


def accuracies(votes: Votes, belief: np.ndarray) -> list[tuple[float, float, float]]:
    """Of each source the expected share of right votes by the belief [N, C], and its 95 % interval (Jeffreys')."""
    from scipy.stats import beta

    sources = len(votes.sources)
    right = np.bincount(votes.source, votes.weight * belief[votes.row, votes.label], sources)
    said = np.bincount(votes.source, votes.weight, sources)
    low, high = (beta.ppf(level, right + 0.5, np.maximum(said - right, 0) + 0.5) for level in (0.025, 0.975))
    share = np.divide(right, said, out=np.full(sources, np.nan), where=said > 0)
    return list(zip(share.tolist(), low.tolist(), high.tolist(), strict=True))


def votes_facts(votes: Votes) -> dict[str, Any]:
    """What can be said of votes before anything is fitted: ``rows_by_votes`` (number of votes -> rows), ``alpha``
    (`krippendorff_alpha`), ``soft`` (how many votes are distributions), ``sources``, each with ``name``, ``votes``,
    ``share`` of the rows and ``agreement``."""
    per_row, each = np.bincount(votes.per_row), votes.per_source
    agrees = agreement_with_others(votes)
    return {
        "rows_by_votes": {str(number): int(rows) for number, rows in enumerate(per_row) if rows},
        "alpha": krippendorff_alpha(votes),
        "soft": soft_votes(votes),
        "sources": [
            {
                "name": name,
                "votes": int(each[number]),
                "share": float(each[number] / max(votes.rows, 1)),
                "agreement": None if np.isnan(agrees[number]) else float(agrees[number]),
            }
            for number, name in enumerate(votes.sources)
        ],
    }
