"""Views of a run's rows: made once, made anew when what they were made from changes, and what judges without them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.config.recipe import loads
from clc_text.corrections.audit import audit
from clc_text.corrections.audit_metrics import JUDGES
from clc_text.corrections.policy import PROBABLY, policy_named
from clc_text.corrections.predictions import VIEWS_FILE, views
from clc_text.corrections.store import Corrected
from clc_text.evidence.evidence import Mixture
from clc_text.evidence.heard import FILE
from clc_text.evidence.mixture import judge_near
from clc_text.evidence.views import OF_FEATURES
from clc_text.noise.estimation.noise_fit import shrunk
from clc_text.runs.evidence import judges_of_run, views_of_run
from clc_text.runs.noise_estimate import as_dict, estimate_of_run
from clc_text.runs.run import train

RECIPE = """
data: {name: quickstart, rows: 400, test_rows: 50}
noise: {name: symmetric, rate: 0.2}
encoder: {name: word_vectors, vectors: train, pooling: [mean]}
network: {name: mlp, hidden: [20]}
method: {name: METHOD, fold_rounds: 2, fold_epochs: 4}
training: {epochs: 3, batch_size: 50, learning_rate: 3.0e-3}
canaries: 0.05
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name in ("clc_auto", "standard"):
        recipe = RECIPE.replace("METHOD", name)
        if name == "standard":
            recipe = recipe.replace(", fold_rounds: 2, fold_epochs: 4", "")
        made[name] = tmp_path_factory.mktemp(name) / "run"
        train(loads(recipe), made[name])
    return made


@pytest.fixture
def copied(trained: dict[str, Path], tmp_path: Path) -> Callable[[str], RunDirectory]:
    def copy(name: str) -> RunDirectory:
        shutil.copytree(trained[name], tmp_path / name)
        return RunDirectory(tmp_path / name)

    return copy


@pytest.fixture
def clc_text(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: object) -> str:
        capsys.readouterr()
        app([str(argument) for argument in arguments], standalone_mode=False)
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize(("name", "networks"), [("clc_auto", True), ("standard", False)])
def test_a_run_is_judged_by_its_networks_where_it_has_any_and_by_other_views(
    copied: Callable[[str], RunDirectory], name: str, networks: bool
) -> None:
    run = copied(name)
    judges = judges_of_run(run, policy_named())
    assert judges.policy == policy_named() and judges.note is None and not judges.nothing_learnt
    assert judges.predictions.kind == "views" and ("networks" in judges.predictions.views) <= networks
    assert {"discriminant"} <= set(judges.predictions.views)
    log_probs = np.concatenate([block for _, block in judges.predictions.blocks()], 1)
    assert log_probs.shape == (len(judges.predictions.views), 400, 6)
    np.testing.assert_allclose(np.exp(log_probs).sum(2), 1, rtol=1e-5)


def test_labels_are_judged_by_noise_of_both_kinds_row_by_row(
    copied: Callable[[str], RunDirectory], clc_text: Callable[..., str]
) -> None:
    run = copied("standard")
    clc_text("correct", run.path, "--policy", "doubt")
    judges, labels = views_of_run(run), run.labels()
    assert judges is not None and judges.transition is not None
    assert 0 <= judges.nearness <= 1 and judges.nearness == judges.noise.nearness
    state, log_probs = Corrected(run).state(), np.concatenate([block for _, block in judges.blocks()], 1)
    counts = np.zeros((6, 6))
    for row, given in enumerate(labels.given.tolist()):
        pool = sum(share * view[row].astype(float) for share, view in zip(judges.weights, log_probs, strict=True))
        p = np.exp(judges.sharpness * pool)
        p /= p.sum()
        near = [0.0 if c == given else p[given] / (1 - p[c]) for c in range(6)]
        q = p * ((1 - judges.nearness) * judges.transition[:, given] + judges.nearness * np.array(near))
        q /= q.sum()
        counts[:, given] += q
        assert state.probability_given[row] == pytest.approx(q[given], abs=1e-5)
        assert q[state.suggested[row]] == pytest.approx(max(q[c] for c in range(6) if c != given), abs=1e-7)
        if not labels.canary[row]:
            assert (state.label[row] != given) == (1 - state.probability_given[row] >= PROBABLY)
    np.testing.assert_allclose(Corrected(run).facts["noise_matrix"], shrunk(counts), atol=1e-5)
    sound = ~labels.canary
    found = audit(Corrected(run), bootstrap=0)["noise"]
    assert found["rate"] == pytest.approx(float(1 - state.probability_given[sound].mean()), abs=1e-4)
    assert found["readings"][0] == {"of": "mixture", "method": "doubt", "rate": found["rate"]}


def test_views_of_an_earlier_version_knew_noise_by_class_alone(copied: Callable[[str], RunDirectory]) -> None:
    run = copied("standard")
    views_of_run(run)
    path = run.file(VIEWS_FILE)
    with safe_open(path, "np") as opened:
        facts = {name: value for name, value in opened.metadata().items() if name != "nearness"}
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - safe_open is no mapping
    save_file(tensors, path, facts)
    found = views(run)
    assert found is not None and found.nearness == 0.0


def test_what_labels_are_doubted_by_is_read_as_it_was_written(copied: Callable[[str], RunDirectory]) -> None:
    run = copied("standard")
    views_of_run(run)
    found = views(run)
    assert found is not None
    rows = np.arange(found.rows)
    for noise in (
        replace(found.noise, ahead=-3.25, by_chance=0.125),
        replace(found.noise, ahead=None, by_chance=None),
    ):
        Mixture(found.views, (), found.of(rows), noise).save(run.file(VIEWS_FILE), "a test")
        again = views(run)
        assert again is not None and (again.noise.ahead, again.noise.by_chance) == (noise.ahead, noise.by_chance)
        given = run.labels().given
        judged = judge_near(again.of(rows), again.weights, given, noise)
        np.testing.assert_array_equal(again.judged(again.of(rows), given).wrong, judged.wrong)


def test_views_are_made_once_and_anew_when_labels_change(copied: Callable[[str], RunDirectory]) -> None:
    run = copied("standard")
    views_of_run(run)
    first = run.file(VIEWS_FILE).stat().st_mtime_ns
    views_of_run(run)
    assert run.file(VIEWS_FILE).stat().st_mtime_ns == first
    run.file(VIEWS_FILE).write_bytes(b"cut")
    assert views_of_run(run) is not None and run.file(VIEWS_FILE).stat().st_size > 100
    labels = run.labels()
    rows = np.flatnonzero(~labels.canary)[:20]
    labels.given[rows[:10]] = labels.trained[rows[:10]] = labels.trained[rows[10:]]
    labels.write(run.file("noise/labels.parquet"))
    before = run.file(VIEWS_FILE).read_bytes()
    views_of_run(run)
    assert run.file(VIEWS_FILE).read_bytes() != before


def test_who_judges_takes_the_views_that_taught(
    copied: Callable[[str], RunDirectory], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied("clc_auto")
    kept = run.file(FILE)
    content = kept.read_bytes()
    kept.unlink()
    assert views_of_run(run) is not None
    anew = run.file(VIEWS_FILE).read_bytes()
    assert not kept.exists()
    run.file(VIEWS_FILE).unlink()
    kept.write_bytes(content)
    for view in ("discriminant", "neighbours"):
        monkeypatch.setitem(OF_FEATURES, view, lambda seen: pytest.fail("a view was heard a second time"))
    assert views_of_run(run) is not None
    assert run.file(VIEWS_FILE).read_bytes() == anew
    assert not kept.exists()


def test_without_views_networks_judge_and_it_is_said(
    copied: Callable[[str], RunDirectory], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied("clc_auto")
    monkeypatch.setattr("clc_text.evidence.evidence.LARGEST", 1000)
    judges = judges_of_run(run, policy_named())
    assert judges.policy.name == "posterior" and judges.predictions.kind == "out of sample"
    assert judges.note is not None and "GB" in judges.note
    assert judges_of_run(run, policy_named("doubt")).predictions.kind == "in sample"


def test_who_asks_for_networks_is_judged_by_them(copied: Callable[[str], RunDirectory]) -> None:
    run = copied("clc_auto")
    for held_out, kind in ((True, "out of sample"), (False, "in sample")):
        judges = judges_of_run(run, policy_named(), held_out)
        assert (judges.predictions.kind, judges.policy.name, judges.note) == (kind, "posterior", None)
    assert not run.file(VIEWS_FILE).exists()


def test_correct_audit_and_estimate_tell_the_range(
    copied: Callable[[str], RunDirectory], clc_text: Callable[..., str]
) -> None:
    run = copied("clc_auto")
    assert "judged by views that had not seen the labels (" in " ".join(clc_text("correct", run.path).split())
    told = " ".join(clc_text("audit", run.path).split())
    assert "readings" in told and "most likely" in told
    noise: dict[str, Any] = json.loads(run.file("audit.json").read_text())["noise"]
    low, high = noise["interval"]
    assert noise["method"] == "views" and low <= noise["rate"] <= high
    assert low <= noise["known_rate"] <= high
    assert {one["method"] for one in noise["readings"]} == {"doubt", "half", "em", "confident_joint"}
    estimated = clc_text("noise", "estimate", run.path)
    assert f"between {low:.1%} and {high:.1%}" in estimated and "mean doubt of all views together" in estimated


def test_a_run_of_nothing_but_noise_is_not_corrected(tmp_path: Path, clc_text: Callable[..., str]) -> None:
    recipe = RECIPE.replace("METHOD", "standard").replace(", fold_rounds: 2, fold_epochs: 4", "")
    train(loads(recipe.replace("rate: 0.2", "rate: 0.8333")), tmp_path / "run")  # six classes: labels at random
    assert "no label is changed" in " ".join(clc_text("correct", tmp_path / "run").split())
    assert "do not use" in clc_text("audit", tmp_path / "run")


def two_sources(folder: Path) -> str:
    """A recipe of 120 rows that the texts tell, with a label each of two people, right on 80 % and on 70 % of them."""
    random, words = np.random.default_rng(0), {"sport": "goal match team ball", "money": "bank stock price tax"}
    rows = ["text,ann,bob"]
    for row, name in enumerate(["sport", "money"] * 60):
        other = "money" if name == "sport" else "sport"
        said = [name if random.random() < right else other for right in (0.8, 0.7)]
        rows.append(",".join([f"{' '.join(random.choice(words[name].split(), 3))} {row}", *said]))
    (folder / "several.csv").write_text("\n".join(rows))
    return f"""
data: {{name: files, train: {folder / "several.csv"}, label: [ann, bob], join: cross_fit}}
encoder: {{name: tfidf, dimension: 20, word_vectors: 0}}
network: {{name: mlp, hidden: [16]}}
method: {{name: clc_auto}}
training: {{epochs: 2, batch_size: 16, learning_rate: 1.0e-3}}
"""


@pytest.mark.parametrize("extra", [(), ("--out-of-sample",)], ids=["as the policy says", "by networks"])
@pytest.mark.parametrize("case", ["plain", "more rows than are looked at", "shares told", "several labels a row"])
def test_an_audit_and_the_noise_estimate_of_a_run_say_the_same(
    copied: Callable[[str], RunDirectory],
    clc_text: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    extra: tuple[str, ...],
) -> None:
    """By networks, by all views and by all labels of a row: the same rows, the same fit, the same interval; where they
    judge by different predictions each says by which."""
    if case in ("plain", "more rows than are looked at"):
        run = copied("clc_auto")
    else:
        recipe = RECIPE.replace("METHOD", "clc_auto") + "class_shares: {LOC: 0.35-0.4}\n"
        train(loads(two_sources(tmp_path) if case == "several labels a row" else recipe), tmp_path / "run")
        run = RunDirectory(tmp_path / "run")
    if case == "more rows than are looked at":
        monkeypatch.setattr("clc_text.noise.estimation.rate_interval.ROWS", 150)
    told = as_dict(estimate_of_run(run.path))
    said = " ".join(clc_text("noise", "estimate", run.path).split())
    clc_text("correct", run.path, *extra)
    noise = audit(Corrected(run))["noise"]
    votes = case == "several labels a row"
    assert told["predictions"] == ("votes" if votes else "views")
    assert noise["predictions"] == ("votes" if votes else "out of sample" if extra else "views")
    assert JUDGES[told["predictions"]] in said
    assert "judged by" in clc_text("audit", run.path)
    same = told if noise["predictions"] == told["predictions"] else told["estimates"][0]
    assert noise["rate"] == pytest.approx(same["rate"], abs=1e-9)
    assert noise["interval"] == pytest.approx(list(same["interval"]), abs=1e-9)
