"""The report and its matrices do without an audit that is damaged or of an earlier state."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clc_text.analysis.confusion import matrices
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.audit import audit
from clc_text.corrections.correct import correct
from clc_text.corrections.log import Step
from clc_text.corrections.policy import policy_named
from clc_text.corrections.predictions import in_sample
from clc_text.corrections.source import kept_rows
from clc_text.corrections.store import Corrected
from clc_text.report.report_page import report_page

REMARK = "The audit is damaged or not of the corrected dataset as it is now, so it is not used."


@pytest.fixture
def audited(make_run: Callable[..., RunDirectory]) -> RunDirectory:
    run = make_run()
    source = kept_rows(run)
    assert source is not None
    audit(correct(run, policy_named("agree"), in_sample(run), source), bootstrap=0)
    return run


def test_a_sound_audit_is_shown(audited: RunDirectory) -> None:
    said: dict[str, Any] = json.loads(audited.file("audit.json").read_text())["noise"]
    panels, remarks = matrices(audited)
    assert panels[2].title == f"estimated, rate {said['rate']:.2f} (audit)" and not remarks
    assert np.array_equal(panels[2].shares, said["matrix"])


@pytest.mark.parametrize("content", [b'{"noise": {"ra', b"", b"\xff\xfe\x00{]", b"{}", b"[]"])
def test_a_damaged_audit_is_not(audited: RunDirectory, content: bytes) -> None:
    audited.file("audit.json").write_bytes(content)
    panels, remarks = matrices(audited)
    assert panels[2].title.endswith("(in sample)")
    assert [remark[: len(REMARK)] for remark in remarks] == [REMARK]


@pytest.mark.usefixtures("undrawn")
def test_the_report_judges_anew_without_one(audited: RunDirectory) -> None:
    audited.file("audit.json").write_bytes(b"{}")
    page = report_page(audited)
    assert (
        "RUN/audit.json is damaged or not of the corrected dataset as it is now, so this page judged it anew" in page
    )


def test_an_audit_of_an_earlier_state_is_not(audited: RunDirectory) -> None:
    corrected = Corrected(audited)
    state = corrected.state()
    corrected.write(state.with_given(state.changed), Step("revert", {"all": True}))
    panels, remarks = matrices(audited)
    assert panels[2].title.endswith("(in sample)") and remarks[0].startswith(REMARK)
