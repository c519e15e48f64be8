"""Conditions on a run's audit that a pipeline stops at: ``clc-text audit RUN --fail-if "noise>0.05"``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from clc_text.artifacts.audit import Audit
from clc_text.artifacts.run_files import Flaws
from clc_text.corrections.audit_metrics import GATE, OF_FLAWS, of_gate
from clc_text.corrections.verdict import VERDICTS
from clc_text.errors import InputError, nearest
from clc_text.utils.shown import without_controls

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq, "==": operator.eq,
    "!=": operator.ne,
}  # fmt: skip
_CONDITION = re.compile(r"\s*([a-z_]+)\s*(>=|<=|==|!=|>|<|=)\s*(.+?)\s*")


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
        return f"{self.figure} is {value} ({GATE[self.figure]}); --fail-if {self.condition}"


def asks_for_flaws(conditions: Sequence[str]) -> bool:
    """Whether one of them compares what is read of a run's flaws.json."""
    read = (_CONDITION.fullmatch(condition) for condition in conditions)
    return any(one is not None and one.group(1) in OF_FLAWS for one in read)


def check(
    conditions: Sequence[str], audit: Audit, facts: Mapping[str, Any], flaws: Flaws | None = None
) -> list[Checked]:
    """Each condition, in its order.

    Args:
        conditions: such as ``noise>0.05`` or ``verdict=do not use``.
        audit: as in audit.json.
        facts: of the dataset (environment.json), of texts.
        flaws: of the texts (flaws.json); None: nobody has looked for them, or rows are no texts.

    Raises:
        InputError: a condition that cannot be read, or a figure that is not known of this run: a gate that lets pass
            what it cannot see is none.
    """
    if "duplicate_texts" in facts:
        facts = {"leaked_test_texts": 0, **facts}  # without test rows nothing leaks
    values = of_gate(audit, facts, flaws)
    return [_checked(condition, values) for condition in conditions]


def _checked(condition: str, values: Mapping[str, float | str | None]) -> Checked:
    read = _CONDITION.fullmatch(condition)
    if read is None:
        raise InputError(
            f"--fail-if {condition}: write FIGURE>NUMBER, such as noise>0.05 or 'verdict=do not use'", key="--fail-if"
        )
    name, sign, bound = read.groups()
    if name not in GATE:
        raise InputError(f"--fail-if {condition}: there is no figure '{name}'{nearest(name, GATE)}", key=name)
    value = values[name]
    if value is None:
        raise InputError(f"--fail-if {condition}: of this run it is not known: {GATE[name]}", key=name)
    if name == "verdict":
        if sign not in ("=", "==", "!=") or bound not in VERDICTS:
            raise InputError(
                f"--fail-if {condition}: a verdict is compared by = or != with {', '.join(VERDICTS)}", key="--fail-if"
            )
        return Checked(condition, name, value, _COMPARED[sign](value, bound))
    try:
        number = float(bound.removesuffix("%")) / (100 if bound.endswith("%") else 1)
    except ValueError:
        number = float("nan")
    if number != number:
        raise InputError(f"--fail-if {condition}: '{bound}' is no number", key="--fail-if")
    return Checked(condition, name, value, _COMPARED[sign](value, number))


def as_text(checked: Sequence[Checked]) -> str:
    return "\n".join(f"{'FAILED' if one.failed else 'passed'}  {one.sentence}" for one in checked)


def as_github(checked: Sequence[Checked]) -> str:
    """Workflow commands of GitHub Actions: an error for each condition that failed, a notice for the others."""
    lines = []
    for one in checked:
        message = one.sentence.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        lines.append(f"::{'error' if one.failed else 'notice'} title=clc-text audit::{message}")
    return "\n".join(lines)


def as_junit(checked: Sequence[Checked], run: str) -> str:
    """JUnit's XML, a test case for each condition."""
    failed = sum(one.failed for one in checked)
    suite = ElementTree.Element(
        "testsuite", name="clc-text audit", tests=str(len(checked)), failures=str(failed), errors="0"
    )
    for one in checked:
        case = ElementTree.SubElement(
            suite, "testcase", classname=without_controls(run), name=without_controls(one.condition)
        )
        if one.failed:
            ElementTree.SubElement(case, "failure", message=without_controls(one.sentence))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode")
