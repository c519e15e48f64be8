"""Every guard just below and just above its limit."""

from __future__ import annotations

import math
from typing import Any

import pytest

from clc_text.training.monitors import (
    CHANGED_SHARE,
    CLEAN_SHARE,
    COLLAPSE_DISTANCE,
    FITTED_AGREEMENT,
    READ_SHARE,
    UNSURE_SHARE,
    Watch,
    distance,
)

SHARES = [0.25, 0.25, 0.25, 0.25]
EPSILON = 0.001


def entry(epoch: int, phase: str = "method", **train: Any) -> dict[str, Any]:
    threshold = train.pop("threshold", 0.2 if phase == "method" else None)
    known = {"class_shares": SHARES, "agreement": [0.7, 0.7], "changed": [0, 9]} | train
    thresholds = None if threshold is None else [threshold / 2, threshold]
    return {"epoch": epoch, "phase": phase, "threshold": thresholds, "train": known}


def names(watch: Watch) -> list[str]:
    return [notice.name for notice in watch.notices]


def test_distance_is_half_the_sum_of_differences() -> None:
    assert distance([1.0, 0.0], [0.0, 1.0]) == 1.0
    assert distance([0.5, 0.3, 0.2], [0.4, 0.3, 0.3]) == pytest.approx(0.1)
    assert distance(SHARES, SHARES) == 0.0


@pytest.mark.parametrize("beyond", [False, True])
def test_collapse(beyond: bool) -> None:
    far = COLLAPSE_DISTANCE + (EPSILON if beyond else -EPSILON)
    shares = [0.25 + far, *[0.25 - far / 3] * 3]
    watch = Watch(SHARES)
    found = watch.after_epoch([entry(1, "warm-up"), entry(2, class_shares=shares)])
    assert names(watch) == (["collapse"] if beyond else [])
    if beyond:
        assert found[0].severity == "warning" and found[0].epoch == 2
        assert "60% of the predictions are class '0', which has 25% of the given labels" in found[0].message


def test_a_warm_up_is_not_called_a_collapse() -> None:
    watch = Watch(SHARES)
    watch.after_epoch([entry(1, "warm-up", class_shares=[1.0, 0.0, 0.0, 0.0])])
    assert names(watch) == []


def test_untrained_networks_that_teach_nothing_new_have_not_collapsed() -> None:
    """Standard has no warm-up, and after its first epochs may still know a few classes only."""
    alone = [1.0, 0.0, 0.0, 0.0]
    entries = [entry(epoch, class_shares=alone, changed=[0, 0], threshold=None) for epoch in (1, 2)]
    watch = Watch(SHARES)
    for seen in (1, 2):
        watch.after_epoch(entries[:seen])
    assert names(watch) == []
    entries.append(entry(3, changed=[0, 0], threshold=None))
    watch.after_epoch(entries)
    assert names(watch) == []
    watch.after_epoch([*entries, entry(4, class_shares=alone, changed=[0, 0], threshold=None)])
    assert names(watch) == ["collapse"]


@pytest.mark.parametrize("beyond", [False, True])
def test_warm_up_too_short(beyond: bool) -> None:
    share = UNSURE_SHARE + (EPSILON if beyond else -EPSILON)
    watch = Watch(SHARES)
    watch.after_epoch([entry(1, "warm-up"), entry(2, threshold=share * math.log(4))])
    assert names(watch) == (["warm-up too short"] if beyond else [])


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_it_is_the_entropy_that_is_held_to_log_c(scale: float) -> None:
    """Half of Γ does not make a warm-up longer."""
    for share, expected in ((UNSURE_SHARE + EPSILON, ["warm-up too short"]), (UNSURE_SHARE - EPSILON, [])):
        watch = Watch(SHARES, threshold_scale=scale)
        watch.after_epoch([entry(1, "warm-up"), entry(2, threshold=scale * share * math.log(4))])
        assert names(watch) == expected


def test_a_threshold_that_is_no_entropy_is_not_held_to_log_c() -> None:
    watch = Watch([0.5, 0.5], threshold_scale=None)
    watch.after_epoch([entry(1, "warm-up", class_shares=[0.5, 0.5]), entry(2, threshold=0.9, class_shares=[0.5, 0.5])])
    assert names(watch) == []


@pytest.mark.parametrize("beyond", [False, True])
def test_warm_up_too_long(beyond: bool) -> None:
    repeated = FITTED_AGREEMENT + (EPSILON if beyond else -EPSILON)
    watch = Watch(SHARES)
    found = watch.after_epoch([entry(1, "warm-up", agreement=[repeated - 0.01, repeated + 0.01]), entry(2)])
    assert names(watch) == (["warm-up too long"] if beyond else [])
    assert all(notice.severity == "note" for notice in found)


@pytest.mark.parametrize(("rate", "said"), [(0.001, False), (0.2, True), (None, True)])
def test_networks_that_repeat_right_labels_have_memorised_none(rate: float | None, said: bool) -> None:
    watch = Watch(SHARES)
    watch.noise_rate = rate
    watch.after_epoch([entry(1, "warm-up", agreement=[0.97, 0.99]), entry(2)])
    assert names(watch) == (["warm-up too long"] if said else [])


def test_the_warm_up_is_judged_once_when_it_ends() -> None:
    watch = Watch(SHARES)
    watch.after_epoch([entry(1, "warm-up"), entry(2), entry(3, threshold=math.log(4))])
    assert names(watch) == []


def test_a_notice_is_given_once() -> None:
    watch = Watch(SHARES)
    entries = [entry(1, "warm-up"), entry(2, class_shares=[1.0, 0.0, 0.0, 0.0])]
    assert len(watch.after_epoch(entries)) == 1
    assert watch.after_epoch([*entries, entry(3, class_shares=[1.0, 0.0, 0.0, 0.0])]) == []
    assert names(watch) == ["collapse"]


@pytest.mark.parametrize("beyond", [False, True])
def test_a_class_given_up(beyond: bool) -> None:
    changed = [0.1, CHANGED_SHARE + (EPSILON if beyond else -EPSILON), 0.1, 0.1]
    watch = Watch(SHARES)
    watch.at_end([entry(3)], changed)
    assert names(watch) == (["class 1 given up"] if beyond else [])


@pytest.mark.parametrize("many", [3, 4, 150])
def test_many_classes_given_up_are_one_notice(many: int) -> None:
    watch = Watch([1 / many] * many, label_names=[f"c{index}" for index in range(many)])
    found = watch.at_end([entry(3)], [0.9] * many)
    assert len(found) == (3 if many == 3 else 1)
    if many == 150:
        assert found[0].message.startswith("of 150 of 150 classes (c0, c1, c2 and 147 more) more than 60% of the rows")


def test_a_class_without_rows_is_not_given_up() -> None:
    watch = Watch([0.5, 0.5, 0.0])
    watch.at_end([entry(3, class_shares=[0.5, 0.5, 0.0])], [0.1, 0.1, 1.0])
    assert names(watch) == []


@pytest.mark.parametrize("clean", [False, True])
def test_clean_data(clean: bool) -> None:
    """Half of the rows are of class 0, so its changes count half."""
    share = CLEAN_SHARE + (-EPSILON if clean else EPSILON)
    watch = Watch([0.5, 0.5])
    watch.at_end([entry(3, class_shares=[0.5, 0.5])], [2 * share, 0.0])
    assert names(watch) == (["little to correct"] if clean else [])


def test_networks_that_learn_joined_labels_say_nothing_of_how_clean_these_are() -> None:
    """They learn what all labels say together; how many of the joined ones are wrong is told by these."""
    watch = Watch([0.5, 0.5])
    watch.several = True
    watch.at_end([entry(3, class_shares=[0.5, 0.5])], [0.002, 0.002])
    assert names(watch) == []


@pytest.mark.parametrize(("phase", "changed"), [("warm-up", 0.01), ("method", 0.0)])
def test_a_run_that_corrects_nothing_says_nothing_of_its_data(phase: str, changed: float) -> None:
    watch = Watch([0.5, 0.5])
    watch.at_end([entry(3, phase, class_shares=[0.5, 0.5])], [changed, changed])
    assert names(watch) == []


@pytest.mark.parametrize(("step", "severity"), [(-EPSILON, "warning"), (0.0, "note")])
def test_texts_that_are_cut_off_are_noticed_before_training(step: float, severity: str) -> None:
    watch = Watch(SHARES)
    facts = {"share_read": READ_SHARE + step, "cut_off": "1 of 2 texts is longer"}
    (notice,) = watch.before_training(facts)
    assert watch.notices == [notice]
    assert (notice.name, notice.severity, notice.message) == ("texts cut off", severity, "1 of 2 texts is longer")
    assert Watch(SHARES).before_training({"share_read": 0.2}) == [], "too few to say a sentence about"
