"""Noise of several classes at once: one 2 x 2 matrix a class, and a manifest that replays."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from refusals import refused

from clc_text.errors import InputError
from clc_text.noise.base import Noise, NoiseInput, noise
from clc_text.noise.inject import inject, replay

ASKED = ("art", "news", "sport")
KINDS = [name for name in noise.names() if not noise.get(name).single_label]
TEXTS = 4000


def given(texts: int = TEXTS) -> NoiseInput:
    held = np.random.default_rng(0).random((texts, 3)) < [0.5, 0.2, 0.05]
    return NoiseInput(held.astype(np.int64).reshape(-1), ["no", "yes"], asked=ASKED)


def kind(name: str, **options: Any) -> Noise:
    return noise.get(name)(**{"rate": 0.3} | options)


def test_which_there_are() -> None:
    assert KINDS == ["independent_flips", "missing_positives"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("draw", ["independent", "exact"])
def test_the_manifest_tells_what_happened_and_replays(name: str, draw: str) -> None:
    rows = given()
    injection = inject(kind(name, classes={"news": 0.1}, draw=draw), rows, 5)
    manifest = json.loads(json.dumps(injection.manifest, allow_nan=False))
    np.testing.assert_array_equal(replay(manifest, rows), injection.labels)
    assert manifest["asked"] == list(ASKED)
    before, after = rows.labels.reshape(-1, 3), injection.labels.reshape(-1, 3)
    for one, (class_name, rate) in enumerate(zip(ASKED, (0.3, 0.1, 0.3), strict=True)):
        missing = 1 - after[before[:, one] == 1, one].mean()
        added = after[before[:, one] == 0, one].mean()
        of_no = rate if name == "independent_flips" else 0.0
        assert missing == pytest.approx(rate, abs=0.09)
        assert added == pytest.approx(of_no, abs=0.04)
        assert manifest["matrices"][class_name] == [[1 - of_no, of_no], [rate, 1 - rate]]
    assert manifest["realised_rate"] == pytest.approx(float((before != after).mean()))
    assert manifest["expected_rate"] == pytest.approx(manifest["realised_rate"], abs=0.01)


@pytest.mark.parametrize("name", KINDS)
def test_a_longer_set_begins_alike(name: str) -> None:
    short = NoiseInput(given().labels[:300], ["no", "yes"], asked=ASKED)
    np.testing.assert_array_equal(inject(kind(name), short, 1).labels, inject(kind(name), given(), 1).labels[:300])


def test_no_class_is_added_where_positives_are_missing() -> None:
    rows = given()
    labels = inject(kind("missing_positives"), rows, 2).labels
    assert not ((rows.labels == 0) & (labels == 1)).any()
    assert (inject(kind("missing_positives", rate=0.0), rows, 2).labels == rows.labels).all()


@pytest.mark.parametrize("name", KINDS)
def test_what_is_refused(name: str) -> None:
    with refused(key=name):
        inject(kind(name), NoiseInput(np.array([0, 1]), ["no", "yes"]), 0)
    with refused(key="noise.classes"):
        inject(kind(name, classes={"arts": 0.1}), given(), 0)
    with refused(key="noise.classes"):
        kind(name, classes={"art": 1.0})
    with refused(key="classes"):
        replay(
            inject(kind(name), given(), 0).manifest, NoiseInput(given().labels, ["no", "yes"], asked=("a", "b", "c"))
        )
    with refused(key="symmetric"):
        inject(noise.get("symmetric")(rate=0.2), given(), 0)


@pytest.mark.parametrize("value", [5, -1, "x", [], {}, [[]], {"sport": 3}, {"sport": None}, True, None])
def test_whatever_stands_in_a_manifest_is_refused_in_one_sentence(value: Any) -> None:
    manifest = inject(kind("missing_positives"), given(50), 11).manifest
    for changed in (
        *({**manifest, key: value} for key in manifest),
        *({**manifest, "options": {**manifest["options"], key: value}} for key in manifest["options"]),
    ):
        try:
            replay(changed, given(50))
        except InputError as error:
            assert "\n" not in str(error)
