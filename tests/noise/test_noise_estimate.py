"""The estimators against one-row-at-a-time references, against cleanlab, and against noise that is known."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import refused

from clc_text.crossfit.cross_fit import cross_fit
from clc_text.crossfit.rounds import Settings
from clc_text.data.labels import Labels
from clc_text.errors import InputError
from clc_text.noise.base import NoiseInput
from clc_text.noise.estimation import estimate as module
from clc_text.noise.estimation.anchors import anchor_matrix, true_shares
from clc_text.noise.estimation.confident_joint import confident_counts, confident_joint
from clc_text.noise.estimation.estimate import estimate
from clc_text.noise.estimation.expectation_maximisation import em_matrix, sharpened
from clc_text.noise.estimation.noise_fit import posterior_labels
from clc_text.noise.estimation.probabilities import MOST_FITTED, resamplings
from clc_text.noise.inject import inject
from clc_text.noise.pairwise import Pairwise
from clc_text.noise.symmetric import Symmetric


def example(count: int = 400, classes: int = 4, seed: int = 0, clarity: float = 2.0) -> tuple[np.ndarray, ...]:
    """Probabilities that are the true posterior of each row's class, true labels drawn from them, noisy labels."""
    random = np.random.default_rng(seed)
    p = sharpened(random.dirichlet(np.ones(classes), size=count), clarity)
    true = (np.cumsum(p, 1) < random.random((count, 1))).sum(1).clip(max=classes - 1)
    names = [str(c) for c in range(classes)]
    noisy = inject(Pairwise(rate=0.3), NoiseInput(true, names), seed).labels
    return p, true, noisy


def literal_counts(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Northcutt et al. 2021, row by row, with cleanlab's allowance for rounding."""
    classes = p.shape[1]
    thresholds = [
        np.mean([p[n, k] for n in range(len(p)) if labels[n] == k]) if k in labels else None for k in range(classes)
    ]
    counts = np.zeros((classes, classes))
    for n in range(len(p)):
        reached = [k for k in range(classes) if thresholds[k] is not None and p[n, k] >= thresholds[k] - 1e-6]
        if len(reached) == 1:
            counts[reached[0], labels[n]] += 1
        elif reached:
            counts[int(np.argmax(p[n])), labels[n]] += 1
    for k in range(classes):
        counts[k, k] = max(counts[k, k], 1)
    return counts


@pytest.mark.parametrize("classes", [2, 4, 7])
@pytest.mark.parametrize("clarity", [0.5, 2.0, 6.0])
def test_confident_joint_against_rows(classes: int, clarity: float) -> None:
    p, _, noisy = example(300, classes, seed=classes, clarity=clarity)
    counts = literal_counts(p, noisy)
    np.testing.assert_array_equal(confident_counts(p, noisy), counts)
    found = confident_joint(p, noisy)
    joint = np.zeros_like(counts)
    for true in range(classes):
        for given in range(classes):
            joint[true, given] = counts[true, given] / counts[:, given].sum() * (noisy == given).mean()
    np.testing.assert_allclose(found.joint, joint, atol=1e-12)
    np.testing.assert_allclose(found.matrix, joint / joint.sum(1, keepdims=True), atol=1e-12)
    assert found.joint.sum() == pytest.approx(1)
    assert found.rate == pytest.approx(1 - sum(joint[k, k] for k in range(classes)))


@pytest.mark.parametrize("seed", range(4))
def test_confident_joint_against_cleanlab(seed: int) -> None:
    count = pytest.importorskip("cleanlab.count", reason="cleanlab is not installed (extra `cleanlab`)")
    p, _, noisy = example(1000, 5, seed, clarity=1.0 + seed)
    theirs = count.compute_confident_joint(noisy, p, calibrate=False)
    np.testing.assert_array_equal(confident_counts(p, noisy), theirs.T)
    # cleanlab rounds the calibrated counts to whole rows: each entry is off by less than one row.
    np.testing.assert_allclose(confident_joint(p, noisy).joint, count.estimate_joint(noisy, p).T, atol=1 / 1000)


def test_confident_joint_of_a_class_that_nobody_gave() -> None:
    p, _, noisy = example(200, 4)
    noisy = noisy % 3
    found = confident_joint(p, noisy)
    np.testing.assert_array_equal(confident_counts(p, noisy), literal_counts(p, noisy))
    assert found.joint[:, 3].sum() == 0
    assert found.matrix[3].tolist() == [0, 0, 0, 1]


def test_weights_count_rows_as_often_as_repeating_them() -> None:
    p, _, noisy = example(150)
    times = np.random.default_rng(0).integers(0, 4, 150)
    repeated = confident_joint(np.repeat(p, times, 0), np.repeat(noisy, times))
    weighted = confident_joint(p, noisy, times.astype(float))
    np.testing.assert_allclose(weighted.joint, repeated.joint, atol=1e-12)


@pytest.mark.parametrize("quantile", [None, 0.97, 0.5])
def test_anchor_matrix_against_rows(quantile: float | None) -> None:
    p, _, _ = example(250, 5)
    literal = []
    for c in range(5):
        column = sorted(p[:, c])
        limit = np.inf if quantile is None else column[int(np.ceil(quantile * (len(column) - 1) - 1e-9))]
        best = max((n for n in range(250) if p[n, c] < limit), key=lambda n: p[n, c])
        literal.append(p[best] / p[best].sum())
    np.testing.assert_allclose(anchor_matrix(p, quantile), literal, atol=1e-12)


def literal_em(p: np.ndarray, labels: np.ndarray, rounds: int, power: float, pseudo: float) -> np.ndarray:
    classes = p.shape[1]
    q = np.array([[value**power for value in row] for row in p])
    sharp = q = q / q.sum(1, keepdims=True)
    for step in range(rounds + 1):
        transition = pseudo * np.eye(classes)
        for n in range(len(p)):
            transition[:, labels[n]] += q[n]
        transition /= transition.sum(1, keepdims=True)
        if step < rounds:
            q = np.array([sharp[n] * transition[:, labels[n]] for n in range(len(p))])
            q /= q.sum(1, keepdims=True)
    return transition


@pytest.mark.parametrize(("rounds", "power", "pseudo"), [(0, 2.0, 1.0), (1, 2.0, 1.0), (20, 2.0, 1.0), (7, 1.0, 0.5)])
def test_em_matrix_against_rows(rounds: int, power: float, pseudo: float) -> None:
    p, _, noisy = example(120)
    found = em_matrix(p, noisy, rounds=rounds, sharpen=power, pseudo_count=pseudo)
    np.testing.assert_allclose(found, literal_em(p, noisy, rounds, power, pseudo), atol=1e-10)


def test_posterior_against_rows() -> None:
    p, _, noisy = example(60)
    transition = Pairwise(rate=0.3).matrix(list("abcd"))
    found = posterior_labels(sharpened(p, 2.0), noisy, transition)
    for n in range(60):
        joint = [p[n, c] ** 2 * transition[c, noisy[n]] for c in range(4)]
        np.testing.assert_allclose(found[n], np.array(joint) / sum(joint), atol=1e-12)


def test_posterior_of_an_impossible_label_keeps_the_prediction() -> None:
    transition = np.array([[1.0, 0.0], [1.0, 0.0]])
    found = posterior_labels(np.array([[0.25, 0.75]]), np.array([1]), transition)
    assert found.tolist() == [[0.25, 0.75]]


def test_posterior_improves_on_the_given_labels() -> None:
    p, true, noisy = example(4000, 4, clarity=4.0)
    found = posterior_labels(p, noisy, em_matrix(p, noisy, sharpen=1.0))
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found.argmax(1) == true).mean() > max((noisy == true).mean(), (p.argmax(1) == true).mean())


def test_true_shares_recover_the_prior() -> None:
    transition = Symmetric(rate=0.5).matrix(list("abc"))
    prior = np.array([0.6, 0.3, 0.1])
    np.testing.assert_allclose(true_shares(transition, prior @ transition * 1e4), prior, atol=1e-4)
    np.testing.assert_allclose(
        true_shares(np.stack([transition] * 2), np.stack([prior @ transition] * 2))[1], prior, atol=1e-4
    )


def test_em_finds_the_rate_where_predictions_are_calibrated() -> None:
    p, _, noisy = example(20_000, 4, clarity=5.0)
    found = em_matrix(p, noisy, rounds=200, sharpen=1.0)
    np.testing.assert_allclose(found, Pairwise(rate=0.3).matrix(list("abcd")), atol=0.03)


@pytest.mark.parametrize("method", ["confident_joint", "em", "anchor"])
def test_estimate_holds_together(method: str) -> None:
    p, true, noisy = example(1500, 4, clarity=8.0)
    found = estimate(p, noisy, method, bootstrap=100, seed=1)
    assert found.method == method
    assert found.interval is not None
    assert 0 <= found.interval[0] <= found.rate <= found.interval[1] <= 1
    np.testing.assert_allclose(found.matrix.sum(1), 1)
    again = estimate(p, noisy, method, bootstrap=100, seed=1)
    assert again.interval == found.interval
    assert estimate(p, noisy, method, bootstrap=100, seed=2).interval != found.interval
    assert estimate(p, noisy, method, bootstrap=0).interval is None
    matrix = {
        "confident_joint": lambda: confident_joint(p, noisy).matrix,
        "em": lambda: em_matrix(p, noisy),
        "anchor": lambda: anchor_matrix(p),
    }[method]()
    np.testing.assert_allclose(found.matrix, matrix)
    if method != "anchor":  # anchors read p as P(given | row), which it is not here
        assert abs(found.rate - (true != noisy).mean()) < 0.06


def test_anchor_rate_where_p_predicts_the_given_labels() -> None:
    p, _, noisy = example(5000, 4, clarity=8.0)
    given = p @ Pairwise(rate=0.3).matrix(list("abcd"))
    found = estimate(given, noisy, "anchor", bootstrap=0)
    assert abs(found.rate - 0.3) < 0.03


@pytest.mark.parametrize("method", ["confident_joint", "em"])
def test_bootstrap_is_that_of_resampled_rows(method: str) -> None:
    """The interval's width against resampling done literally, row copies and all."""
    p, _, noisy = example(300, 3, clarity=4.0)
    random = np.random.default_rng(0)
    rates = []
    for _ in range(200):
        chosen = random.integers(0, 300, 300)
        rates.append(estimate(p[chosen], noisy[chosen], method, bootstrap=0).rate)
    found = estimate(p, noisy, method, bootstrap=200)
    assert found.interval is not None
    width = found.interval[1] - found.interval[0]
    assert width == pytest.approx(2 * 1.96 * np.std(rates), rel=0.25)


def test_peers_are_averaged() -> None:
    p, _, noisy = example(200)
    q = example(200, seed=1)[0]
    for function in (lambda p: confident_joint(p, noisy).joint, anchor_matrix, lambda p: em_matrix(p, noisy)):
        np.testing.assert_allclose(function(np.stack([p, q])), function((p + q) / 2))


@pytest.mark.parametrize("method", ["confident_joint", "em", "anchor"])
@pytest.mark.parametrize(
    ("p", "labels"),
    [
        (np.ones((5, 1)), np.zeros(5, np.int64)),
        (np.array([[0.3, 0.7]]), np.array([0])),
        (np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 0])),
        (np.full((6, 2), 0.5), np.array([0, 0, 0, 1, 1, 1])),
    ],
    ids=["one class", "one row", "certain", "ignorant"],
)
def test_edges_stay_finite(method: str, p: np.ndarray, labels: np.ndarray) -> None:
    found = estimate(p, labels, method, bootstrap=20)
    assert 0 <= found.rate <= 1
    np.testing.assert_allclose(found.matrix.sum(1), 1)
    assert found.interval is not None
    assert np.isfinite(found.interval).all()
    if p.shape[1] == 1:
        assert found.rate == 0


def test_the_input_stays() -> None:
    p, _, noisy = example(100)
    copies = p.copy(), noisy.copy()
    for method in ("confident_joint", "em", "anchor"):
        estimate(p, noisy, method, bootstrap=5)
    posterior_labels(p, noisy, np.eye(4))
    np.testing.assert_array_equal(p, copies[0])
    np.testing.assert_array_equal(noisy, copies[1])


@pytest.mark.parametrize(
    ("p", "labels", "sentence"),
    [
        (np.ones((2, 2)), np.array([0, 1]), "row 1 of the probabilities is no distribution"),
        (np.array([[0.5, 0.5], [np.nan, 1]]), np.array([0, 1]), "row 2 of the probabilities is no distribution"),
        (np.array([[0.5, 0.5], [1.5, -0.5]]), np.array([0, 1]), "row 2 of the probabilities is no distribution"),
        (np.ones(3), np.array([0, 1, 2]), "must have the shape [rows, classes]"),
        (np.ones((0, 3)), np.array([], np.int64), "must have the shape [rows, classes]"),
        (np.eye(2), np.array([0, 1, 1]), "2 rows of probabilities need as many class numbers"),
        (np.eye(2), np.array([0.0, 1.0]), "2 rows of probabilities need as many class numbers"),
        (np.eye(2), np.array([0, 2]), "row 2 has the label 2, but p has 2 classes"),
    ],
)
def test_unfit_input_is_named(p: np.ndarray, labels: np.ndarray, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        estimate(p, labels)
    assert sentence in str(caught.value)


def test_unknown_method_and_bootstrap() -> None:
    with refused(key="anchors"):
        estimate(np.eye(2), np.array([0, 1]), "anchors")
    with refused(key="bootstrap"):
        estimate(np.eye(2), np.array([0, 1]), bootstrap=-1)


def test_more_classes_than_a_noise_matrix_is_estimated_of() -> None:
    p, labels = np.full((3, 1001), 1 / 1001), np.arange(3)
    for call in (
        lambda: estimate(p, labels),
        lambda: em_matrix(p, labels),
        lambda: cross_fit(
            lambda *_: pytest.fail("a network was made"), Labels(labels), MOST_FITTED + 1, Settings(), 0
        ),
    ):
        with refused(key="classes"):
            call()


def test_hundreds_of_classes_need_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 matrices of 400 x 400 are 51 MB, and would be held several times over."""
    import tracemalloc

    p, _, labels = example(count=400, classes=400)
    peaks = []
    for matrices in (5, 40):
        monkeypatch.setattr(module, "_BLOCK", matrices * 400**2)
        tracemalloc.start()
        found = estimate(p, labels, "confident_joint", bootstrap=40)
        peaks.append(tracemalloc.get_traced_memory()[1] / 1e6)
        tracemalloc.stop()
        assert found.interval is not None and found.interval[0] <= found.rate <= found.interval[1]
    assert peaks[0] < 40 < 80 < peaks[1]  # MB


def test_rows_are_resampled_less_often_only_where_there_are_many_classes() -> None:
    assert resamplings(200, 50_000, 100) == resamplings(200, 10**7, 6) == resamplings(200, 1500, 150) == 200
    assert resamplings(200, 10_000, 1000) == 18 and resamplings(200, 10**6, 1000) == 10
