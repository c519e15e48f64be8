"""A metric of the audit is named once, and is then everywhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from synthetic_run import Made, corrected_of, make_run

from clc_text.corrections import audit_metrics as module
from clc_text.corrections.audit import judge
from clc_text.corrections.audit_metrics import GATE, METRICS, AuditMetric, in_words, of_gate, shown_in
from clc_text.corrections.gate import check
from clc_text.corrections.intervals import metric
from clc_text.corrections.tables import show_audit
from clc_text.hub.card import _metrics
from clc_text.report.numbers import _of_audit
from clc_text.utils.shown import terminal


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_run(tmp_path_factory.mktemp("metrics") / "run", canaries=40)


def test_a_metric_is_a_line(made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    title = "wrong labels touched"
    new = AuditMetric(
        "truth.touched", title, lambda seen: metric(seen.truth.fixed + seen.truth.altered, seen.truth.rows),
        gate="touched",
    )  # fmt: skip
    monkeypatch.setattr(module, "METRICS", (*METRICS, new))
    monkeypatch.setitem(GATE, "touched", title)
    found = judge(corrected_of(made), 0)
    truth = found["truth"]
    assert truth["touched"]["count"] == truth["fixed"] + truth["altered"]
    show_audit(found, terminal())
    assert title in capsys.readouterr().out
    assert title in [one.name for one in _of_audit(found)]
    assert (title, in_words(truth["touched"])) in _metrics(found)
    (checked,) = check(["touched>0"], found, {})
    assert checked.failed and title in checked.sentence


def test_all_that_is_shown_is_said_once(made: Made) -> None:
    found = judge(corrected_of(made), 0)
    for place in ("screen", "report", "card"):
        titles = [one.titled(found) for one, _ in shown_in(place, found)]
        assert len(titles) > 10 and max(Counter(titles).values()) == 1
    known = of_gate(found, {})
    assert {name for name, value in known.items() if value is None} == {
        "leaked", "duplicates", "conflicts", "empty", "agreement", "noise_low", "noise_high", "garbled", "outliers",
        "drift", "near_conflicts", "near_leaked", "other_script",
    }  # fmt: skip
    assert known["precision"] == found["truth"]["precision"]["value"]


def test_where_nothing_is_known_nothing_is_said(tmp_path: Any) -> None:
    made = make_run(tmp_path / "run", rows=120, true_known=False)
    found = judge(corrected_of(made), 0)
    assert found["truth"] is None and found["canaries"] is None
    told = [one.path for one, _ in shown_in("screen", found)]
    assert told == ["noise.rate", "corrections.share"]
    found["noise"]["nothing_learnt"] = True
    assert [one.path for one, _ in shown_in("screen", found)] == ["corrections.share"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"value": 0.5, "low": 0.42, "high": 0.58, "count": 1300, "of": 2600},
            "50.0 % (42.0 to 58.0 %; 1,300 of 2,600)",
        ),
        ({"value": 0.05, "low": 0.0, "high": 0.1}, "5.0 % (0.0 to 10.0 %)"),
        ({"value": 0.3, "count": 3, "of": 10}, "30.0 % (3 of 10)"),
        ({"value": 0.3}, "30.0 %"),
        (1234, "1,234"),
    ],
)
def test_words(value: Any, said: str) -> None:
    assert in_words(value) == said


def test_paths_are_those_of_an_audit(made: Made) -> None:
    """A metric that lies in no entry would be read as unknown for ever."""
    found = judge(corrected_of(made), 20) | {"data": dict.fromkeys(("leaked_test_texts", "duplicate_texts"), 0)}
    for one in METRICS:
        if not one.path.startswith(("data.", "flaws.", "second_opinion.", "several_labels.")):
            section, name = one.path.split(".")
            assert name in found[section], one.path
    assert replace(METRICS[0], read=None).of(found) == found["noise"]["rate"]
