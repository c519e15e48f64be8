"""The metrics of an audit: each is named here, and nowhere else.

A line of `METRICS` says where audit.json has a metric, what people read of it, what it is made of and by which name
``--fail-if`` asks for it; the screen, the report, the dataset card and the gate show and compare what stands here. A
new metric is a line with a `make`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from clc_text.artifacts.audit import Audit
from clc_text.artifacts.run_files import Flaws
from clc_text.corrections import canary_metrics as inferred
from clc_text.corrections.canary_metrics import CanaryCounts
from clc_text.corrections.intervals import metric
from clc_text.corrections.kinds import COPY, GARBLED, SCRIPT, flawed_rows
from clc_text.corrections.outcome import Outcome

Place = Literal["screen", "report", "card"]
EVERYWHERE: frozenset[Place] = frozenset(("screen", "report", "card"))
NOWHERE: frozenset[Place] = frozenset()
JUDGES = {
    "out of sample": "by networks that never saw these labels",
    "votes": "by all labels of a row together with its text",
    "views": "by several views that never saw these labels, from the lowest to the highest reading",
    "in sample": "by networks trained on these very labels: too low",
}


@dataclass(frozen=True)
class Seen:
    """What a metric may be made of.

    Attributes:
        truth: what became of the labels, by true ones; None where none is known.
        canaries: what became of labels flipped on purpose; None without any.
        whole: whether the labels are as the policy left them, people's answers aside; what is inferred of a policy
            does not hold of a part of its changes that somebody chose.
    """

    truth: Outcome | None
    canaries: CanaryCounts | None
    whole: bool


@dataclass(frozen=True)
class AuditMetric:
    """One metric.

    Attributes:
        path: where audit.json has it, ``"truth.precision"``; ``"data.…"`` is a fact of the dataset, ``"flaws.…"``
            one of its texts (flaws.json).
        title: what people read. ``{library}`` is that of the second opinion.
        make: gives its value, a whole number or a share as `intervals.metric`; None: it is made elsewhere. A metric of
            ``truth`` or ``canaries`` is made only where there are such.
        gate: the name that ``--fail-if`` asks for it by; of several with one name the first that is known. "": none.
        places: where it is shown.
        read: gives its value of an audit, where it is not simply what stands at the path.
        remark: gives a few words on how it is to be read, of an audit.
    """

    path: str
    title: str
    make: Callable[[Any], Any] | None = None
    gate: str = ""
    places: frozenset[Place] = EVERYWHERE
    read: Callable[[Audit], Any] | None = None
    remark: Callable[[Audit], str] = lambda audit: ""

    def of(self, audit: Audit) -> Any:
        """Its value: a share as `intervals.metric`, a share alone, a whole number or a word; None: not known."""
        if self.read is not None:
            return self.read(audit)
        value: Any = audit
        for name in self.path.split("."):
            value = None if value is None else value.get(name)
        return value

    def titled(self, audit: Audit) -> str:
        return self.title.format(library=opinion["library"] if (opinion := audit["second_opinion"]) else "")


def _outcome(name: str) -> Callable[[Seen], int]:
    return lambda seen: int(getattr(seen.truth, name))


def _rate(audit: Audit) -> dict[str, Any] | None:
    noise = audit["noise"]
    if noise.get("nothing_learnt", False):
        return None
    return {"value": noise["rate"]} | dict(zip(("low", "high"), noise["interval"] or (), strict=False))


def _end(name: str) -> Callable[[Audit], float | None]:
    return lambda audit: (_rate(audit) or {}).get(name)


def _share_of_whole(noise_of: str) -> Callable[[Audit], Any]:
    def found(audit: Audit) -> Any:
        value = audit["noise"].get(noise_of)
        return None if value is None else {"value": value}

    return found


def _if_followed(audit: Audit) -> Any:
    opinion = audit["second_opinion"]
    return None if opinion is None or opinion["truth"] is None else opinion["truth"]["right_after"]


def _changed(audit: Audit) -> dict[str, Any]:
    share = {"value": audit["corrections"]["share"]}
    return share | ({"count": audit["corrections"]["rows"], "of": audit["rows"]} if "rows" in audit else {})


def _flaws(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What a run's flaws.json says, where it has been made."""
    return lambda audit: None if audit.get("flaws") is None else read(audit["flaws"])


def _flawed(kind: str) -> Callable[[Any], Any]:
    """How many texts are flawed in one way, where that has been looked for."""

    def count(flaws: Flaws) -> int | None:
        rows = flawed_rows(flaws).get(kind)
        return None if rows is None else len(rows)

    return _flaws(count)


def _odd(flaws: Flaws) -> dict[str, Any] | None:
    if flaws["outliers"] is None or not flaws["texts"]:
        return None
    count = len(flaws["outliers"]["rows"])
    return {"value": count / flaws["texts"], "count": count, "of": flaws["texts"]}


METRICS = (
    AuditMetric(
        "noise.rate", "given labels estimated to be wrong", gate="noise", read=_rate,
        remark=lambda audit: JUDGES.get(audit["noise"]["predictions"], ""),
    ),
    AuditMetric("noise.interval", "lowest reading of the share of wrong labels", gate="noise_low", places=NOWHERE,
                read=_end("low")),
    AuditMetric("noise.interval", "highest reading of the share of wrong labels", gate="noise_high", places=NOWHERE,
                read=_end("high")),
    AuditMetric("noise.known_rate", "given labels known to be wrong", read=_share_of_whole("known_rate")),
    AuditMetric("noise.agreement", "rows on whose class two views agree", gate="agreement", places=NOWHERE,
                read=_share_of_whole("agreement")),
    AuditMetric("corrections.share", "labels changed", gate="changed", places=EVERYWHERE - {"card"}, read=_changed),
    AuditMetric("truth.rows", "rows whose true label is known", _outcome("rows"), places=NOWHERE),
    AuditMetric("truth.right_before", "right labels before", lambda s: metric(s.truth.right_before, s.truth.rows),
                gate="right_before"),
    AuditMetric("truth.right_after", "right labels now", lambda s: metric(s.truth.right_after, s.truth.rows),
                gate="right_after"),
    AuditMetric("truth.fixed", "wrong labels put right", _outcome("fixed")),
    AuditMetric("truth.broken", "right labels made wrong", _outcome("broken")),
    AuditMetric("truth.missed", "wrong labels left", _outcome("missed")),
    AuditMetric("truth.altered", "wrong labels changed to another wrong one", _outcome("altered")),
    AuditMetric("truth.precision", "changed labels that are right now (precision)",
                lambda s: metric(s.truth.fixed, s.truth.changed), gate="precision"),
    AuditMetric("truth.recall", "wrong labels that are right now (recall)",
                lambda s: metric(s.truth.fixed, s.truth.rows - s.truth.right_before)),
    AuditMetric("truth.false_correction_rate", "right labels that were changed",
                lambda s: metric(s.truth.broken, s.truth.right_before)),
    AuditMetric("canaries.planted", "labels flipped on purpose before training (canaries), put back since",
                lambda s: s.canaries.planted),
    AuditMetric("canaries.found", "canaries that were found",
                lambda s: metric(s.canaries.found, s.canaries.planted), gate="canaries_found"),
    AuditMetric("canaries.repaired", "canaries that got back their label from before",
                lambda s: metric(s.canaries.repaired, s.canaries.planted)),
    AuditMetric("canaries.doubted", "canaries that are more probably wrong than right",
                lambda s: None if s.canaries.doubted is None else metric(s.canaries.doubted, s.canaries.planted),
                gate="canaries_doubted", places=NOWHERE),
    AuditMetric("several_labels.planted.doubted", "labels planted among a row's others that are doubted",
                gate="canaries_doubted", places=NOWHERE),
    AuditMetric("canaries.precision",
                "of those found, got it back; the label may be wrong itself, so this is a lower bound",
                lambda s: metric(s.canaries.repaired, s.canaries.found), places=frozenset(("card",))),
    AuditMetric("canaries.recall", "wrong labels that are changed, as the canaries imply",
                lambda s: inferred.recall(s.canaries)),
    AuditMetric("canaries.precision_adjusted", "changed labels that are right, as the canaries imply",
                lambda s: inferred.precision(s.canaries) if s.whole else None, gate="precision"),
    AuditMetric("canaries.false_correction_rate", "sound labels that were changed, as the canaries imply",
                lambda s: inferred.false_corrections(s.canaries) if s.whole else None),
    AuditMetric("second_opinion.truth", "right labels if the doubts of {library} were followed",
                read=_if_followed),
    AuditMetric("verdict.trust", "one of: trust, look first, do not use", gate="verdict", places=NOWHERE),
    AuditMetric("data.leaked_test_texts", "texts of the test rows that are training texts", gate="leaked",
                places=NOWHERE),
    AuditMetric("data.duplicate_texts", "training texts that are equal to an earlier one", gate="duplicates",
                places=NOWHERE),
    AuditMetric("data.conflicting_texts", "equal training texts with several labels", gate="conflicts",
                places=NOWHERE),
    AuditMetric("data.empty_texts", "training rows without a text", gate="empty", places=NOWHERE),
    AuditMetric("flaws.garbled", "garbled training texts", gate="garbled", places=NOWHERE,
                read=_flawed(GARBLED)),
    AuditMetric("flaws.near_conflicts", "training texts in groups of near copies with several labels",
                gate="near_conflicts", places=NOWHERE,
                read=_flawed(COPY)),
    AuditMetric("flaws.other_script", "training texts in a script that at most one in 100 is in", gate="other_script",
                places=NOWHERE, read=_flawed(SCRIPT)),
    AuditMetric("flaws.near_leaked", "test texts that are nearly training texts", gate="near_leaked", places=NOWHERE,
                read=_flaws(lambda flaws: flaws["copies"]["leaked"] if "copies" in flaws else None)),
    AuditMetric("flaws.outliers", "training texts like no other", gate="outliers", places=NOWHERE, read=_flaws(_odd)),
    AuditMetric("flaws.drift", "how far words tell test from training texts: area under the curve, 0.5 is not at all",
                gate="drift", places=NOWHERE, read=_flaws(lambda flaws: flaws["drift"] and flaws["drift"]["auc"])),
)  # fmt: skip


def entry(section: Literal["truth", "canaries"], seen: Seen) -> Any:
    """An entry of audit.json (`TruthMetrics` or `CanaryMetrics`), of the metrics that lie in it; None without any."""
    if getattr(seen, section) is None:
        return None
    inside = [one for one in METRICS if one.path.startswith(f"{section}.") and one.make is not None]
    return {one.path.removeprefix(f"{section}."): one.make(seen) for one in inside if one.make is not None}


def shown_in(place: Place, audit: Audit) -> Iterator[tuple[AuditMetric, Any]]:
    """The metrics that are shown in a place, and known, each with its value."""
    for one in METRICS:
        if place in one.places and (value := one.of(audit)) is not None:
            yield one, value


def in_words(value: Any) -> str:
    """Such as ``48.1 % (42.0 to 54.3 %; 125 of 260)``, or of a whole number ``1,234``."""
    if not isinstance(value, Mapping):
        return f"{value:,}"
    more = []
    if "low" in value:
        more.append(f"{100 * value['low']:.1f} to {100 * value['high']:.1f} %")
    if "of" in value:
        more.append(f"{value['count']:,} of {value['of']:,}")
    return f"{100 * value['value']:.1f} %" + (f" ({'; '.join(more)})" if more else "")


GATE = {one.gate: one.title for one in reversed(METRICS) if one.gate}
"""What ``--fail-if`` can ask for, and what it is."""


OF_FLAWS = {one.gate for one in METRICS if one.path.startswith("flaws.")}
"""What of these is read of a run's flaws.json."""


def of_gate(audit: Audit, facts: Mapping[str, Any], flaws: Flaws | None = None) -> dict[str, float | str | None]:
    """All of `GATE`, None what is not known.

    Args:
        facts: of the dataset.
        flaws: of its texts.
    """
    values: dict[str, float | str | None] = dict.fromkeys(GATE)
    for one in METRICS:
        if one.gate and values[one.gate] is None:
            about: Any = {**audit, "data": facts, "flaws": flaws}
            value = one.of(about)
            values[one.gate] = float(value["value"]) if isinstance(value, Mapping) else value
    return values
