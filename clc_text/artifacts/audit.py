"""The types of audit.json, by which it is made, passed on and read (see `clc_text.utils.typed_json`).

What the entries mean is said in `clc_text.corrections.audit`. A key that an earlier version did not write stands in a
class without `total`.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from clc_text.artifacts.run_files import LabelCounts, Matrix, Notice, PredictionsUsed


class Share(TypedDict):
    """`count` of `of`, with its 95 % interval, see `clc_text.corrections.intervals.metric`."""

    value: float
    low: float
    high: float
    count: int
    of: int


class InferredShare(TypedDict):
    value: float
    low: float
    high: float


class ClassChanges(TypedDict):
    label: str
    given: int
    changed: int
    share: float
    gained: int
    now: int


class ChangedPair(TypedDict):
    given: str
    label: str
    rows: int


class _CorrectionsBefore(TypedDict):
    rows: int
    share: float
    by_class: list[ClassChanges]
    pairs: list[ChangedPair]


class ChangesOfAsked(TypedDict):
    label: str
    given: int
    added: int
    taken_away: int
    now: int
    precision: Share | None
    recall: Share | None


class Corrections(_CorrectionsBefore, total=False):
    """The entry ``corrections``; `by_asked` of a multi-label run."""

    by_asked: list[ChangesOfAsked]


class _NoiseBefore(TypedDict):
    rate: float
    interval: list[float] | None
    matrix: Matrix | None
    method: str
    predictions: Literal["in sample", "out of sample", "views", "votes"]
    known_rate: float | None


class RuleShares(TypedDict):
    words: float
    others: float | None


class ReadingOfNoise(TypedDict):
    """See `clc_text.evidence.readings.Reading`."""

    of: str
    method: str
    rate: float


class NoiseOfClass(TypedDict):
    label: str
    rate: float
    interval: list[float] | None
    matrix: Matrix | None
    known_rate: float | None


class AuditNoise(_NoiseBefore, total=False):
    """The entry ``noise``; `by_class` of a multi-label run, `ahead` (`near_noise.NearNoise`) and `told_wrong`
    (`class_shares.ClassShares.least_wrong`) of views of others."""

    readings: list[ReadingOfNoise]
    agreement: float | None
    rule_like: RuleShares | None
    nothing_learnt: bool
    by_class: list[NoiseOfClass]
    ahead: float
    told_wrong: float


class _CanariesBefore(TypedDict):
    planted: int
    found: Share | None
    repaired: Share | None
    precision: Share | None
    recall: InferredShare | None
    precision_adjusted: InferredShare | None
    false_correction_rate: InferredShare | None


class CanaryMetrics(_CanariesBefore, total=False):
    """The entry ``canaries``."""

    doubted: Share | None


class TruthMetrics(TypedDict):
    rows: int
    right_before: Share | None
    right_after: Share | None
    fixed: int
    broken: int
    missed: int
    altered: int
    precision: Share | None
    recall: Share | None
    false_correction_rate: Share | None


class PersonCounts(TypedDict):
    answers: int
    kept_given: int
    took_suggestion: int
    other: int


class ShareByAnswers(TypedDict):
    value: float
    low: float
    high: float
    random: int
    answers: int


class AnswersOfClass(TypedDict):
    label: str
    right_before: ShareByAnswers | None
    right_after: ShareByAnswers | None


class Slips(TypedDict):
    """See `clc_text.corrections.asking.slips`."""

    most: float
    rate: InferredShare | None
    rows: int
    differ: int
    right_before: list[float]
    right_after: list[float] | None


class _AnswersBefore(TypedDict):
    answers: int
    random: int
    right_before: ShareByAnswers
    right_after: ShareByAnswers | None
    gain: InferredShare | None
    by_class: list[AnswersOfClass]


class AnswerMetrics(_AnswersBefore, total=False):
    """The entry ``answers``."""

    changed: int
    fixed: int
    broken: int
    slips: Slips


class IfFollowed(TypedDict):
    fixed: int
    broken: int
    right_after: Share | None


class SecondOpinion(TypedDict):
    library: str
    version: str
    issues: int
    changed_and_doubted: int
    changed_only: int
    doubted_only: int
    kappa: float | None
    truth: IfFollowed | None


Trust = Literal["trust", "look first", "do not use"]
Basis = Literal["true labels", "answers", "canaries", "estimates"]


class Verdict(TypedDict):
    trust: Trust
    little_to_correct: bool
    summary: str
    reasons: list[str]
    basis: Basis


class RightBySource(TypedDict):
    value: float
    low: float
    high: float


class Confusion(TypedDict):
    true: str
    said: str
    share: float


class SourceOfLabels(TypedDict, total=False):
    """An entry of ``several_labels.sources``."""

    name: str
    votes: int
    share: float
    agreement: float | None
    accuracy: RightBySource | None
    matrix: Matrix | None
    confused: list[Confusion]


class JoinedLabels(TypedDict):
    labels: int
    overruled: int
    tied: int


class PlantedVotes(TypedDict):
    planted: int
    doubted: Share
    stood: Share


class RightByVotes(TypedDict):
    votes: int
    right: float


class SeveralLabels(TypedDict, total=False):
    """The entry ``several_labels``, see `clc_text.corrections.annotators`."""

    join: str
    classifier: float | None
    alpha: float | None
    soft: int
    rows_by_votes: dict[str, int]
    sources: list[SourceOfLabels]
    planted: PlantedVotes | None
    wrong: list[float] | None
    rules: int
    repeat: list[str]
    constant: list[str]
    joined: JoinedLabels
    unsure: list[dict[str, Any]]
    alone: list[RightByVotes]


class AuditVersion(TypedDict):
    """audit.json of any version."""

    version: int


class AuditOf(AuditVersion):
    """Of which labels an audit.json is."""

    run_id: str
    corrections: dict[str, Any]
    labels: dict[str, Any]


class _AuditOfOne(AuditVersion):
    run_id: str
    recipe: str
    dataset: str
    method: str
    step: int
    labels_sha256: str
    rows: int
    label_names: list[str]
    policy: str
    predictions: PredictionsUsed
    labels: LabelCounts
    corrections: Corrections
    noise: AuditNoise
    canaries: CanaryMetrics | None
    truth: TruthMetrics | None
    person: PersonCounts
    answers: AnswerMetrics | None
    second_opinion: SecondOpinion | None
    notices: list[Notice]
    verdict: Verdict


class Audit(_AuditOfOne, total=False):
    """audit.json, see `clc_text.corrections.audit`; its metrics are named in `clc_text.corrections.audit_metrics`."""

    several_labels: SeveralLabels
    asked: list[str]
