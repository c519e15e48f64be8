"""Which rows to ask people about, and with which probability each of them was drawn.

* ``estimate``: at random, every open row with the same probability: what the answers say then holds of all rows. Drawn
  systematically, in equal steps through the rows in the order of their class and doubt, so that every class and every
  degree of doubt has its share (implicit stratification; Särndal et al., Model Assisted Survey Sampling, 1992, 3.4).
* ``fix``: where an answer most probably changes the present label, times the rows that it settles, and unlike those
  that are chosen already. Such rows are certain to be drawn and stand for nothing but themselves: counted as if they
  had been drawn at random they would say that most labels are wrong.
* ``both``: half of them so, half of them at random from the rest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from clc_text.errors import InputError, nearest

Purpose = Literal["estimate", "fix", "both"]
PURPOSES = get_args(Purpose)
RANDOM, DOUBT = "random", "doubt"  # why a row was chosen
CANDIDATES = 20  # times as many rows as are asked for, the best of which are looked at for likeness
LEAST = 1_000  # candidates, where there are as many rows
_PRODUCTS = 2e10  # of two features, at most


@dataclass(frozen=True)
class Drawn:
    """Rows to ask about, in the order in which to ask.

    Whoever stops early has answered a random part of the random ones.

    Attributes:
        row: int64 [n].
        random: bool [n], drawn at random; else chosen.
        inclusion: float64 [n], the probability that it was drawn; 1 where it was chosen.
    """

    row: np.ndarray
    random: np.ndarray
    inclusion: np.ndarray

    def __len__(self) -> int:
        return len(self.row)


def check_purpose(purpose: str) -> None:
    """Raises: InputError: there is no such purpose."""
    if purpose not in PURPOSES:
        raise InputError(
            f"--purpose is '{purpose}'{nearest(purpose, PURPOSES)}; give estimate, fix or both", key="--purpose"
        )


def draw(
    purpose: Purpose,
    k: int,
    open_rows: np.ndarray,
    strata: np.ndarray,
    worth: np.ndarray,
    seed: str,
    candidates: np.ndarray | None = None,
    features: np.ndarray | None = None,
    known: np.ndarray | None = None,
) -> Drawn:
    """Args:
    purpose: see the module.
    k: how many rows, at most.
    open_rows: int64 [m], those that nobody has answered.
    strata: [N, ...], what the rows are ordered by for the random draw, the first column first.
    worth: float [N], how much an answer is worth.
    seed: any text; the same draws the same rows.
    candidates: int64, the rows that may be chosen to be fixed, such as one of a group of copies; None: all open ones.
    features: float32 [N, D], by which rows are alike; None: nothing is known of that.
    known: int64, rows that were answered before.
    """
    k = min(k, len(open_rows))  # half of those that there are, where more are asked for
    chosen = np.empty(0, np.int64)
    if purpose != "estimate":
        wanted = k if purpose == "fix" else k // 2
        of = open_rows if candidates is None else candidates
        chosen = _diverse(of[np.argsort(-worth[of], kind="stable")], wanted, worth, features, known)
    rest = open_rows[~np.isin(open_rows, chosen)]
    taken = min(k - len(chosen), len(rest)) if purpose != "fix" else 0
    random = np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")))
    drawn = _systematic(rest, strata, taken, random)
    mixed = np.concatenate([chosen, drawn])
    # Interleaved, so that both kinds have had their share wherever somebody stops.
    place = np.concatenate([_even(len(chosen)), _even(len(drawn)) + 1e-9])
    order = np.argsort(place, kind="stable")
    by_chance = np.arange(len(mixed)) >= len(chosen)
    inclusion = np.where(by_chance, taken / max(len(rest), 1), 1.0)
    return Drawn(mixed[order], by_chance[order], inclusion[order])


def _even(count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) / max(count, 1)


def _systematic(rows: np.ndarray, strata: np.ndarray, k: int, random: np.random.Generator) -> np.ndarray:
    """k of the rows, each with the same probability, in an order of chance."""
    if k == 0:
        return np.empty(0, np.int64)
    columns = strata[rows].reshape(len(rows), -1)
    tie = random.permutation(len(rows))
    ordered = rows[np.lexsort((tie, *columns.T[::-1]))]
    places = np.floor((random.random() + np.arange(k)) * len(rows) / k).astype(np.int64)
    drawn: np.ndarray = random.permutation(ordered[places.clip(max=len(rows) - 1)])
    return drawn


def _diverse(
    order: np.ndarray, k: int, worth: np.ndarray, features: np.ndarray | None, known: np.ndarray | None
) -> np.ndarray:
    """The first of `order` in turn, each time the one whose worth times its distance to those taken is greatest."""
    k = min(k, len(order))
    if k == 0 or features is None:
        return order[:k]
    most = max(2 * k, min(max(CANDIDATES * k, LEAST), int(_PRODUCTS / (k * features.shape[1]))))
    pool = order[:most]
    vectors = _unit(features[pool])
    apart = np.ones(len(pool))
    if known is not None and len(known):
        for start in range(0, len(known), 256):
            apart = np.minimum(apart, 1 - (vectors @ _unit(features[known[start : start + 256]]).T).max(1))
    value = worth[pool].astype(np.float64)
    taken: list[int] = []
    for _ in range(k):
        gain = value * apart.clip(1e-6)
        gain[taken] = -1.0
        best = int(gain.argmax())
        taken.append(best)
        apart = np.minimum(apart, 1 - vectors @ vectors[best])
    return pool[taken]


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = vectors.astype(np.float32)
    scaled: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return scaled
