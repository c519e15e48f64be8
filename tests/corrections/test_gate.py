"""Conditions at which a pipeline stops: what they compare, what they refuse, and how they are told."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from refusals import refused
from synthetic_run import Made
from typer.testing import CliRunner

from clc_text.artifacts.run_files import Flaws
from clc_text.cli import app
from clc_text.corrections.audit_metrics import GATE, of_gate
from clc_text.corrections.correct import correct
from clc_text.corrections.gate import as_github, as_junit, as_text, asks_for_flaws, check
from clc_text.corrections.policy import policy_named
from clc_text.corrections.predictions import in_sample
from clc_text.errors import InputError
from clc_text.runs.reload import source_rows


def audit(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "noise": {"rate": 0.1, "interval": [0.04, 0.2], "agreement": 0.8, "nothing_learnt": False},
        "corrections": {"share": 0.06},
        "canaries": {"doubted": {"value": 0.9}, "found": {"value": 0.5}, "precision_adjusted": {"value": 0.7}},
        "truth": None,
        "verdict": {"trust": "look first"},
    }
    return found | changes


FACTS = {"duplicate_texts": 3, "conflicting_texts": 2, "empty_texts": 0}


@pytest.mark.parametrize(
    ("condition", "failed"),
    [
        ("noise>0.05", True), ("noise > 10 %", False), ("noise>=10%", True), ("noise_low<0.05", True),
        ("noise_high<=0.1", False), ("changed=0.06", True), ("changed!=0.06", False), ("agreement<0.5", False),
        ("precision<0.8", True), ("conflicts>0", True), ("empty>0", False), ("leaked>0", False),
        ("duplicates==3", True),
        ("verdict=look first", True), ("verdict=do not use", False), ("verdict!=trust", True),
    ],
)  # fmt: skip
def test_conditions(condition: str, failed: bool) -> None:
    condition = condition.replace(" %", "%")
    (found,) = check([condition], audit(), FACTS)
    assert found.failed == failed
    assert condition in found.sentence and GATE[found.figure] in found.sentence


def test_true_labels_go_before_canaries() -> None:
    truth = {"precision": {"value": 0.95}, "right_before": {"value": 0.8}, "right_after": {"value": 0.9}}
    found = of_gate(audit(truth=truth), FACTS)
    assert (found["precision"], found["right_before"], found["right_after"]) == (0.95, 0.8, 0.9)
    assert found.keys() == GATE.keys()


FLAWS: Flaws = {
    "texts": 200,
    "garbled": {"control characters": [3, 5], "HTML entities or tags": [5, 8]},
    "outliers": {"rows": [9, 4, 1], "surprise": [9.0, 8.0, 7.5], "by": ["words"]},
    "drift": {"auc": 0.83, "low": 0.8, "high": 0.86, "test_terms": ["a"], "train_terms": ["b"]},
    "copies": {"conflicting": [1, 7], "leaked": 4},
    "empty": [],
    "other_script": [6],
}


@pytest.mark.parametrize(
    ("condition", "value", "failed"),
    [
        ("garbled>0", 3, True), ("garbled>3", 3, False), ("outliers>1%", 0.015, True),
        ("outliers>0.02", 0.015, False), ("drift>0.8", 0.83, True), ("drift>0.9", 0.83, False),
        ("near_conflicts>0", 2, True), ("near_leaked>4", 4, False),
        ("other_script>0", 1, True),
    ],
)  # fmt: skip
def test_flawed_texts(condition: str, value: float, failed: bool) -> None:
    assert asks_for_flaws(["noise>1", condition]) and not asks_for_flaws(["noise>1", "leaked>0", "what"])
    (found,) = check([condition], audit(), FACTS, FLAWS)
    assert (found.value, found.failed) == (value, failed)
    untold: Flaws = {"texts": 20, "garbled": {}, "outliers": None, "drift": None}
    for known in (None, untold):
        if known is untold and condition.startswith("garbled"):
            continue
        with refused(key=condition.partition(">")[0]):
            check([condition], audit(), FACTS, known)


@pytest.mark.parametrize(
    ("condition", "key"),
    [
        ("noise", "--fail-if"), ("", "--fail-if"), ("nois>0", "nois"),
        ("noise>much", "--fail-if"), ("noise>nan", "--fail-if"), ("right_after<0.9", "right_after"),
        ("verdict>trust", "--fail-if"), ("verdict=good", "--fail-if"),
    ],
)  # fmt: skip
def test_what_is_refused(condition: str, key: str) -> None:
    with refused(key=key):
        check([condition], audit(), FACTS)


def test_what_is_not_known_does_not_pass() -> None:
    unknown = audit(noise={"rate": 0.1, "interval": None, "nothing_learnt": True}, canaries=None)
    for name in ("noise", "noise_low", "agreement", "canaries_found", "precision"):
        with refused(key=name):
            check([f"{name}<1"], unknown, FACTS)
    with refused(key="leaked"):  # rows that are no texts
        check(["leaked>0"], audit(), {})


def test_formats() -> None:
    found = check(["noise>5%", "empty>0"], audit(), FACTS)
    assert as_text(found).startswith("FAILED  noise is 0.1 ") and "\npassed  empty is 0 " in as_text(found)
    first, second = as_github(found).split("\n")
    assert first.startswith("::error title=clc-text audit::noise") and "5%25" in first
    assert second.startswith("::notice ")
    suite = ElementTree.fromstring(as_junit(found, "runs/a\x1b<b>").split("\n", 1)[1])
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.get("name") for case in suite] == ["noise>5%", "empty>0"] and len(suite[0]) == 1 and not len(suite[1])


def test_the_command_exits_with_one(made: Made) -> None:
    correct(made.run, policy_named("agree"), in_sample(made.run), source_rows(made.run))
    run = CliRunner()
    call = ["audit", str(made.run.path), "--bootstrap", "0", "--format", "github"]
    assert run.invoke(app, [*call, "--fail-if", "changed>1"]).exit_code == 0
    failed = run.invoke(app, [*call, "--fail-if", "changed>=0", "--fail-if", "changed>1"])
    assert failed.exit_code == 1 and failed.stdout.count("::error") == failed.stdout.count("::notice") == 1
    nothing = run.invoke(app, call)  # a gate without a condition would let everything pass
    assert isinstance(nothing.exception, InputError) and nothing.exception.key == "--fail-if"
    refused = run.invoke(app, [*call[:-1], "xml"])
    assert isinstance(refused.exception, InputError) and "there is no format 'xml'" in str(refused.exception)
