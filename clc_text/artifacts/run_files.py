"""The types of the JSON files of a run directory, by which they are read (see `clc_text.utils.typed_json`).

What they mean is said where they are written; here is only what a reader may rely on. A key that an earlier version
did not write stands in a class without `total`.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Matrix = list[list[float]]


class _Split(TypedDict):
    train: int
    test: int


class Seeds(TypedDict):
    data: int
    noise: int
    network: int


class _Named(TypedDict):
    name: str
    citation: str


class Source(TypedDict, total=False):
    path: str | None
    sha256: str | None


class _Facts(TypedDict):
    data: dict[str, Any]
    encoder: dict[str, Any]


class _Identity(TypedDict):
    run_id: str


class Environment(_Identity, total=False):
    """environment.json; what is missing at the top is told by who asks for it."""

    dataset: str
    label_names: list[str]
    asked: list[str]
    class_column: str | None
    input_column: str
    label_column: str
    label_type: Any
    id_column: str | None
    row_noun: str
    rows: _Split
    seeds: Seeds
    peers: int
    method: _Named
    versions: dict[str, str | None]
    python: str
    machine: str
    sources: list[Source]
    facts: _Facts
    files: dict[str, str]


class _Sections(TypedDict, total=False):
    name: str
    modality: str
    data: dict[str, Any]
    noise: dict[str, Any]
    encoder: dict[str, Any]
    network: dict[str, Any]
    method: dict[str, Any]
    training: dict[str, Any]
    seeds: dict[str, Any]


Recipe = _Sections
"""recipe.yaml, as far as plain values are read from it; `clc_text.config.recipe` reads it whole."""


class _NoiseManifestName(TypedDict):
    name: str
    rate: float | None
    realised_rate: float


class NoiseManifest(_NoiseManifestName, total=False):
    """noise/manifest.json, see `clc_text.noise.inject`."""

    convention: str
    options: dict[str, Any]
    draw: str | None
    seed: int
    matrix: Matrix | None
    label_names: list[str]
    rows: int
    expected_rate: float | None
    realised_rate_per_class: list[float | None]
    realised_counts: list[list[int]] | None
    realised_pairs: list[list[int]]
    sha256: dict[str, str | None]
    asked: list[str]
    matrices: dict[str, Matrix]


class EpochNotice(TypedDict):
    """What an epoch has noticed, in its line of metrics.jsonl."""

    name: str
    message: str
    severity: Literal["warning", "note"]


class Notice(EpochNotice):
    """An entry of notices.json."""

    epoch: int


class TestAccuracy(TypedDict):
    peers: list[float]
    ensemble: float


class _TestScoresBefore(TypedDict):
    accuracy: TestAccuracy


class TestScores(_TestScoresBefore, total=False):
    ece: float | None
    multi_label: dict[str, float]


class EntropyMeans(TypedDict):
    all: list[float | None]
    right: list[float | None] | None
    wrong: list[float | None] | None


class _TrainScoresBefore(TypedDict):
    selected: list[int]
    label_precision: list[float | None] | None
    agreement: list[float | None]
    accuracy: list[float | None] | None
    entropy: EntropyMeans
    changed: list[int]
    fixed: list[int] | None
    broken: list[int] | None
    missed: list[int] | None
    class_shares: list[float]


class TrainScores(_TrainScoresBefore, total=False):
    ece: list[float | None] | None


class Epoch(TypedDict, total=False):
    """A line of metrics.jsonl, see `RunDirectory.metrics`."""

    epoch: int
    step: int
    phase: Literal["warm-up", "method"]
    loss: float
    learning_rate: float
    seconds: float
    threshold: list[float] | None
    threshold_by_class: list[list[float]]
    temperature: list[float] | None
    test: TestScores | None
    train: TrainScores
    notices: list[EpochNotice]


class MeanAccuracy(TypedDict):
    peers_mean: float
    ensemble: float


Measure = Literal["last", "last10", "best_oracle"]
Predictor = Literal["peers_mean", "ensemble"]


class Accuracies(TypedDict):
    last: MeanAccuracy
    last10: MeanAccuracy
    best_oracle: MeanAccuracy


class TrainSummary(TypedDict):
    rows: int
    changed: float | None
    fixed: float | None
    broken: float | None
    missed: float | None
    given_right: int | None
    target_right: float | None


class NoiseOfRun(TypedDict):
    name: str
    rate: float | None
    realised_rate: float


class CalibrationSummary(TypedDict):
    test: float | None
    train: float | None


class RunCost(TypedDict):
    processor_seconds: float
    flops: int | None
    products_seconds: float | None


class Result(_Identity, total=False):
    """result.json, see `clc_text.artifacts.results`."""

    method: str
    dataset: str
    recipe: str | None
    noise: NoiseOfRun
    seeds: Seeds
    epochs: int
    seconds: float
    peers: int
    accuracy: Accuracies | None
    train: TrainSummary
    ece: CalibrationSummary
    temperature: list[float] | None
    multi_label: dict[str, float]
    warnings: list[str]
    cost: RunCost


class _RoundBefore(TypedDict):
    epochs: int
    best_epoch: int
    log_likelihood: float
    sharpness: float
    used: bool


class RoundFacts(_RoundBefore, total=False):
    """What crossfit.json says of a round; earlier versions no rate."""

    rate: float


class CrossFitGain(TypedDict, total=False):
    """What crossfit.json says of how much was learnt."""

    gain: float
    gain_error: float


class CrossFitRounds(TypedDict, total=False):
    """What crossfit.json says of its rounds, and of what somebody or the features have told before them."""

    rounds: list[RoundFacts]
    class_shares: list[list[float]]
    shares_by_answers: list[list[float]]
    rates_of_each: list[list[float]]


class _CrossFitBefore(TypedDict):
    rate: float
    folds: int
    sharpness: float
    log_likelihood: float
    rounds: list[RoundFacts]


class CrossFitMore(TypedDict, total=False):
    """What crossfit.json says where there is more to say: of names, several classes, answers, a training."""

    renamed: list[int]
    names_tried: int
    rates_of_each: list[list[float]]
    row_gain: float
    row_gain_error: float
    by_rows: bool
    answers: int
    answers_counted: int
    strength: float
    answers_gain: float | None
    answers_gain_error: float | None
    weight_without: float
    in_targets: bool
    targets_of: str
    warm_up: int
    labels: str
    distribution: str
    trusted: str
    inputs: dict[str, list[float]]
    votes: int
    class_shares: list[list[float]]
    shares_by_answers: list[list[float]]


class CrossFitFacts(_CrossFitBefore, CrossFitGain, CrossFitMore, total=False):
    """crossfit.json, see `clc_text.artifacts.cross_fit`."""

    seeds: str
    copies: int


LabelSource = Literal["given", "method", "person"]


class LabelCounts(TypedDict):
    given: int
    method: int
    person: int


class PredictionsUsed(TypedDict):
    kind: Literal["in sample", "out of sample", "views", "votes"]
    folds: int | None
    agree_with_given: float
    confidence: float
    entropy: float


class _Canaries(TypedDict):
    planted: int
    found: int
    repaired: int


class _Digests(TypedDict):
    predictions: str
    labels: str


class _PolicySentence(TypedDict):
    name: str
    sentence: str


class _Policy(_PolicySentence, total=False):
    noise_matrix: bool
    in_sample: bool
    peers_agree: bool
    rival: bool
    min_confidence: float
    min_doubt: float
    max_entropy: float | str | None


class Made(TypedDict):
    """How a whole state of a corrected dataset was made."""

    policy: _Policy
    predictions: PredictionsUsed
    noise_matrix: Matrix | None
    canaries: _Canaries | None
    sha256: _Digests


class _CorrectedNow(Made):
    run_id: str
    recipe: str
    dataset: str
    rows: int
    label_names: list[str]
    input_column: str
    renamed: dict[str, str]
    step: int
    labels: LabelCounts
    changed: int


class CorrectedFacts(_CorrectedNow, total=False):
    """corrected/corrected.json, see `clc_text.corrections.store.Corrected`."""

    version: int
    label_column: str


class _StepDone(TypedDict):
    step: int
    action: str
    arguments: dict[str, Any]
    time: str
    changed: int
    labels: LabelCounts
    whole: bool


class _LabelSet(TypedDict):
    row: int
    label: int
    source: LabelSource


class LoggedChange(_LabelSet, total=False):
    """What a step set of one row."""

    facts: dict[str, Any]


class HistoryStep(_StepDone, total=False):
    """A line of corrected/history.jsonl, see `clc_text.corrections.log`."""

    made: Made
    file: str
    changes: list[LoggedChange]
    differs: int


class FlawedOutliers(TypedDict):
    """Texts like no other, the oddest first; see `clc_text.data.checks.outliers.Outliers`."""

    rows: list[int]
    surprise: list[float]
    by: list[str]


class FlawedDrift(TypedDict):
    """See `clc_text.data.checks.drift.Drift`."""

    auc: float
    low: float
    high: float
    test_terms: list[str]
    train_terms: list[str]


class NearCopies(TypedDict):
    """See `clc_text.data.checks.near_copies`.

    Keys:
        conflicting: the texts of groups of near copies with several labels, a group together.
        leaked: test texts with a near copy among the training texts.
    """

    conflicting: list[int]
    leaked: int


class _FlawsBefore(TypedDict):
    texts: int
    garbled: dict[str, list[int]]
    outliers: FlawedOutliers | None
    drift: FlawedDrift | None


class Flaws(_FlawsBefore, total=False):
    """flaws.json, see `clc_text.runs.flaws`; rows are numbers of texts, from 0."""

    copies: NearCopies
    empty: list[int]
    other_script: list[int]


class _CompleteBefore(TypedDict):
    step: int
    epochs_closed: int


class Complete(_CompleteBefore, total=False):
    """checkpoints/checkpoint-N/complete.json, see `clc_text.training.checkpoints`."""

    epoch: float | None
    files: dict[str, str]
    dynamics: dict[str, str]
    cross_fit: dict[str, str]
    recorded: dict[str, str]


class TrainerFacts(TypedDict):
    """What is read of `Trainer`'s trainer_state.json."""

    global_step: int
    max_steps: int
    log_history: list[dict[str, Any]]


class _MethodFactsBefore(TypedDict):
    method: str
    rows: int
    loss_steps: int
    prepared: bool
    epochs_closed: int


class RecoveryFacts(TypedDict):
    hold_until: int
    times: int
    sound_epoch: int
    sound_distance: float


class MethodFacts(_MethodFactsBefore, total=False):
    """What method_state.safetensors says beside its tensors."""

    asked: int
    began: int
    num_classes: int
    notices: list[EpochNotice]
    recovery: RecoveryFacts
