"""Views that were heard before are the same ones, to the bit, and are heard anew when anything has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from clc_text.data.labels import Labels
from clc_text.evidence import views as all_views
from clc_text.evidence.evidence import Mixture, mixture_of
from clc_text.evidence.heard import FILE, KeptViews

ROWS, CLASSES = 400, 3


def rows() -> tuple[np.ndarray, Any, Labels, np.ndarray]:
    random = np.random.default_rng(0)
    true = random.integers(0, CLASSES, ROWS)
    features = (2 * np.eye(CLASSES, 8)[true] + random.normal(size=(ROWS, 8))).astype(np.float32)
    words = csr_matrix((random.random((ROWS, 12)) < 0.3 + 0.3 * np.eye(CLASSES, 12)[true]).astype(np.float32))
    given = np.where(random.random(ROWS) < 0.2, random.integers(0, CLASSES, ROWS), true)
    labels = Labels(given, given.copy(), None, np.zeros(ROWS, bool))
    return features, words, labels, 0.2 + 0.4 * np.eye(CLASSES)[true]


def same(one: Mixture | None, other: Mixture | None) -> bool:
    assert one is not None and other is not None
    numbers = [(one.log_probs, other.log_probs), (one.noise.transition, other.noise.transition)]
    told = [(found.views, found.left_out, found.noise.sharpness) for found in (one, other)]
    return told[0] == told[1] and all(np.array_equal(a, b) for a, b in numbers)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The views that are asked, in their order."""
    told: list[str] = []
    for table in (all_views.OF_FEATURES, all_views.OF_WORDS):
        for name, view in list(table.items()):
            monkeypatch.setitem(table, name, lambda seen, view=view, name=name: (told.append(name), view(seen))[1])
    return told


def test_what_was_heard_is_the_same_to_the_bit(tmp_path: Path, asked: list[str]) -> None:
    features, words, labels, networks = rows()
    kept = KeptViews(tmp_path / "run" / FILE)
    for by in (networks, None):
        alone = mixture_of(features, labels, CLASSES, 0, by, words)
        assert same(alone, mixture_of(features, labels, CLASSES, 0, by, words, kept=kept))
        before = len(asked)
        assert same(alone, mixture_of(features, labels, CLASSES, 0, by, words, kept=kept))
        assert len(asked) == before
    kept.forget()
    kept.forget()
    assert not kept.path.exists()


@pytest.mark.parametrize("changed", ["features", "words", "labels", "seed", "damaged"])
def test_views_of_something_else_are_heard_anew(tmp_path: Path, asked: list[str], changed: str) -> None:
    features, words, labels, _ = rows()
    kept, seed = KeptViews(tmp_path / FILE), 0
    mixture_of(features, labels, CLASSES, seed, None, words, kept=kept)
    asked.clear()
    if changed == "features":
        features[7, 3] = np.nextafter(features[7, 3], np.float32(9))
    elif changed == "words":
        words.data[0] += 1
    elif changed == "labels":
        other = labels.given.copy()
        other[5] = (other[5] + 1) % CLASSES
        labels = replace(labels, given=other, trained=other.copy())
    elif changed == "seed":
        seed = 1
    else:
        kept.path.write_bytes(kept.path.read_bytes()[:-9])
    found = mixture_of(features, labels, CLASSES, seed, None, words, kept=kept)
    assert asked
    assert same(found, mixture_of(features, labels, CLASSES, seed, None, words))
