"""Conditions on a run's audit that a pipeline stops at: ``clc-text audit RUN --fail-if "noise>0.05"``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from clc_text.corrections.verdict import VERDICTS
from clc_text.errors import InputError, nearest
from clc_text.utils.shown import without_controls

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq, "==": operator.eq,
    "!=": operator.ne,
}  # fmt: skip
_CONDITION = re.compile(r"\s*([a-z_]+)\s*(>=|<=|==|!=|>|<|=)\s*(.+?)\s*")

METRICS = {
    "noise": "share of wrong given labels, the number in the middle",
    "noise_low": "lowest reading of that share",
    "noise_high": "highest reading of that share",
    "changed": "share of labels that the corrections change",
    "agreement": "share of rows on whose class two views agree",
    "canaries_doubted": "share of labels flipped on purpose that are doubted",
    "canaries_found": "share of labels flipped on purpose that would be changed",
    "precision": "share of the changed labels that are right, by true labels or else by canaries",
    "right_before": "share of right given labels, where true ones are known",
    "right_after": "share of right labels now, where true ones are known",
    "leaked": "texts of the test rows that are training texts",
    "duplicates": "training texts that are equal to an earlier one",
    "conflicts": "equal training texts with several labels",
    "empty": "training rows without a text",
    "verdict": "one of: trust, look first, do not use",
}
_FACTS = {"leaked": "leaked_test_texts", "duplicates": "duplicate_texts", "conflicts": "conflicting_texts",
          "empty": "empty_texts"}  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """A condition, what it compares with, and whether it holds, which is a failure."""

    condition: str
    figure: str
    value: float | str
    failed: bool

    @property
    def sentence(self) -> str:
        value = self.value if isinstance(self.value, str) else f"{self.value:.4g}"
        return f"{self.figure} is {value} ({METRICS[self.figure]}); --fail-if {self.condition}"


def check(conditions: Sequence[str], audit: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Checked]:
    """Each condition, in its order.

    Args:
        conditions: such as ``noise>0.05`` or ``verdict=do not use``.
        audit: as in audit.json.
        facts: of the dataset (environment.json), of texts.

    Raises:
        InputError: a condition that cannot be read, or a figure that is not known of this run: a gate that lets pass
            what it cannot see is none.
    """
    values = figures(audit, facts)
    return [_checked(condition, values) for condition in conditions]


def figures(audit: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, float | str | None]:
    """All of `METRICS`, None what is not known."""
    noise, truth, canaries = audit["noise"], audit["truth"], audit["canaries"]
    unknown = noise.get("nothing_learnt", False)
    low, high = noise["interval"] or (None, None)
    planted = (audit.get("several_labels") or {}).get("planted") or {}
    measured = (truth or {}).get("precision") or (canaries or {}).get("precision_adjusted")
    found: dict[str, float | str | None] = {
        "noise": None if unknown else noise["rate"],
        "noise_low": None if unknown else low,
        "noise_high": None if unknown else high,
        "changed": audit["corrections"]["share"],
        "agreement": noise.get("agreement"),
        "canaries_doubted": _value((canaries or planted).get("doubted")),
        "canaries_found": _value((canaries or {}).get("found")),
        "precision": _value(measured),
        "right_before": _value((truth or {}).get("right_before")),
        "right_after": _value((truth or {}).get("right_after")),
        "verdict": audit["verdict"]["trust"],
    }
    if "duplicate_texts" in facts:
        facts = {"leaked_test_texts": 0, **facts}  # without test rows nothing leaks
    return found | {name: facts.get(key) for name, key in _FACTS.items()}


def _value(entry: Mapping[str, Any] | None) -> float | None:
    return None if entry is None else float(entry["value"])


def _checked(condition: str, values: Mapping[str, float | str | None]) -> Checked:
    read = _CONDITION.fullmatch(condition)
    if read is None:
        raise InputError(f"--fail-if {condition}: write FIGURE>NUMBER, such as noise>0.05 or 'verdict=do not use'")
    name, sign, bound = read.groups()
    if name not in METRICS:
        raise InputError(f"--fail-if {condition}: there is no figure '{name}'{nearest(name, METRICS)}")
    value = values[name]
    if value is None:
        raise InputError(f"--fail-if {condition}: of this run it is not known: {METRICS[name]}")
    if name == "verdict":
        if sign not in ("=", "==", "!=") or bound not in VERDICTS:
            raise InputError(f"--fail-if {condition}: a verdict is compared by = or != with {', '.join(VERDICTS)}")
        return Checked(condition, name, value, _COMPARED[sign](value, bound))
    try:
        number = float(bound.removesuffix("%")) / (100 if bound.endswith("%") else 1)
    except ValueError:
        number = float("nan")
    if number != number:
        raise InputError(f"--fail-if {condition}: '{bound}' is no number")
    return Checked(condition, name, value, _COMPARED[sign](value, number))


def as_text(found: Sequence[Checked]) -> str:
    return "\n".join(f"{'FAILED' if one.failed else 'passed'}  {one.sentence}" for one in found)


def as_github(found: Sequence[Checked]) -> str:
    """Workflow commands of GitHub Actions: an error for each condition that failed, a notice for the others."""
    lines = []
    for one in found:
        message = one.sentence.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        lines.append(f"::{'error' if one.failed else 'notice'} title=clc-text audit::{message}")
    return "\n".join(lines)


def as_junit(found: Sequence[Checked], run: str) -> str:
    """JUnit's XML, a test case for each condition."""
    failed = sum(one.failed for one in found)
    suite = ElementTree.Element(
        "testsuite", name="clc-text audit", tests=str(len(found)), failures=str(failed), errors="0"
    )
    for one in found:
        case = ElementTree.SubElement(
            suite, "testcase", classname=without_controls(run), name=without_controls(one.condition)
        )
        if one.failed:
            ElementTree.SubElement(case, "failure", message=without_controls(one.sentence))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode")
