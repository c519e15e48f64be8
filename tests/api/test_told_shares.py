"""What it changes to tell how common the classes truly are: in a notebook, a classifier, and a whole run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refused
from sklearn.metrics import average_precision_score

import clc_text
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.cli import app
from clc_text.config.recipe import loads
from clc_text.data.class_shares import ClassShares
from clc_text.data.trusted import TrustedLabels
from clc_text.evidence.mixture import TOLD
from clc_text.methods.clc_auto import CLCAuto

CLASSES = np.array(["other", "billing", "login"])
WORDS = {
    "other": ["opening", "hours", "thanks", "newsletter", "branch", "job", "press", "award"],
    "billing": ["invoice", "refund", "charge", "card", "payment", "euro", "receipt", "tax"],
    "login": ["password", "account", "locked", "reset", "token", "sign", "browser", "code"],
}
SMALL = ["encoder.name=tfidf", "encoder.word_vectors=0", "training.epochs=3", "method.fold_epochs=3",
         "method.fold_rounds=2", "network.hidden=[20]"]  # fmt: skip
SHARES = {"other": "0.25-0.4"}


def by_keywords(rows: int = 900) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Texts, features, the classes that keywords give them (`other`, where there is none of them), true classes."""
    random = np.random.default_rng(0)
    true = random.integers(0, 3, rows)
    drawn = [random.choice(WORDS[CLASSES[label]], 3) for label in true]
    given = np.array([
        next((name for name in CLASSES[1:] if WORDS[name][0] in words), "other") for words in drawn
    ])  # fmt: skip
    features = np.eye(3)[true] + random.normal(0, 0.6, (rows, 3))
    return [" ".join(words) for words in drawn], features.astype(np.float32), given, CLASSES[true]


def test_more_wrong_rows_are_found_and_their_share_is_seen() -> None:
    texts, features, given, true = by_keywords()
    wrong = given != true
    assert 0.3 < wrong.mean() < 0.5
    alone: Any = clc_text.find_issues(given, texts=texts, features=features)
    told: Any = clc_text.find_issues(given, texts=texts, features=features, class_shares=SHARES)
    ranked = [average_precision_score(wrong, one.ranking.sort_values("row").doubt) for one in (alone, told)]
    assert ranked[1] > ranked[0] + 0.1
    assert alone.told_wrong is None and told.told_wrong == pytest.approx((given == "other").mean() - 0.4)
    assert told.interval[0] >= told.told_wrong > alone.noise_rate and told.noise_rate >= told.told_wrong - 1e-6
    assert (told.labels == true).mean() > (given == true).mean() + 0.1
    assert (alone.labels == given).mean() > 0.98


def test_what_is_as_was_told_is_judged_as_before() -> None:
    texts, features, given, _ = by_keywords(300)
    alone: Any = clc_text.find_issues(given, texts=texts, features=features)
    told: Any = clc_text.find_issues(given, texts=texts, features=features, class_shares={"login": (0, 0.9)})
    pd.testing.assert_frame_equal(told.ranking, alone.ranking)
    assert told.interval == alone.interval and told.told_wrong == 0


def test_shares_that_were_rounded_do_not_make_noise_certain() -> None:
    """The given labels are off by less than `TOLD`: the labels themselves have to show that there is noise."""
    random = np.random.default_rng(1)
    given, features = random.integers(0, 2, 400), random.normal(size=(400, 4))
    features[:, 0] += 2 * given  # sound labels, some of them hard
    share = float(given.mean())
    found: Any = clc_text.find_issues(given, features=features, class_shares={1: share + TOLD / 2})
    assert (found.labels == given).all() and found.ahead is not None
    certain: Any = clc_text.find_issues(given, features=features, class_shares={1: share + 4 * TOLD})
    assert certain.ahead is None and (certain.labels != given).any()


def test_where_nothing_is_learnt_it_is_told_all_the_same() -> None:
    random = np.random.default_rng(0)
    given = np.arange(400) % 3
    found: Any = clc_text.find_issues(given, features=random.normal(size=(400, 3)), class_shares={0: 0.1})
    least = (given == 0).mean() - 0.1
    assert found.views == () and found.told_wrong == pytest.approx(least) == found.interval[0]
    assert f"{least:.1%}" in repr(found)


@pytest.mark.parametrize("labels", [[["a"], ["a", "b"]] * 30, [["a", "b"], ["b", "a"]] * 30])
def test_it_is_of_one_label_and_one_class_a_row(labels: list[list[str]]) -> None:
    task: Any = None if len(labels[0]) == 1 else "votes"
    with refused(key="class_shares", says="one label"):
        clc_text.find_issues(labels, texts=["a text"] * 60, task=task, class_shares="even")


def test_a_classifier_is_told_and_one_that_makes_nothing_of_it_refuses() -> None:
    _, features, given, true = by_keywords(600)
    method = CLCAuto(folds=2, fold_rounds=2, fold_epochs=8)
    scores, rates = [], []
    for shares in (None, SHARES):
        model = clc_text.NoisyLabelClassifier(method, hidden=(16,), epochs=20, random_state=0, class_shares=shares)
        scores.append((model.fit(features, given).labels_ == true).mean())
        rates.append(model.noise_rate_)
    assert scores[1] > scores[0] + 0.05 and rates[1] is not None and rates[1] > 0.2
    numbers = (given == "other").astype(float)
    with refused(key="class_shares.0", says="2"):  # and not that no class is called so: 0 is 0.0
        clc_text.NoisyLabelClassifier(method, epochs=1, class_shares={0: 2}).fit(features, numbers)
    with refused(key="class_shares", says="clc_auto"):
        clc_text.NoisyLabelClassifier("clc", epochs=1, class_shares="even").fit(features, given)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("clc_text.report.pictures.as_bytes", lambda figure, kind: b"<svg/>")
    texts, _, given, true = by_keywords()
    pd.DataFrame({"text": texts, "label": given}).to_csv("tickets.csv", index=False)
    return pd.DataFrame({"given": given, "true": true})


def test_a_whole_run_is_told(table: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    small = [word for key in SMALL for word in ("--set", key)]
    app(["clean", "tickets.csv", "-q", "--out", "run", "--share", "other=0.25-0.4", *small], standalone_mode=False)
    run = clc_text.RunDirectory(Path("run"))
    assert run.recipe()["class_shares"] == SHARES
    found, place = CrossFit.load(run.path), run.label_names.index("other")
    assert found is not None
    assert found.row_targets.mean(0)[place] <= 0.4 + 1e-4 and found.posterior.mean(0)[place] <= 0.4 + 1e-4
    audit = json.loads(Path("run/audit.json").read_text())
    assert audit["noise"]["told_wrong"] == pytest.approx((table.given == "other").mean() - 0.4, abs=0.02)
    assert audit["noise"]["interval"][0] >= audit["noise"]["told_wrong"]
    assert any("as was told" in reason for reason in audit["verdict"]["reasons"])
    corrected = pd.read_csv("run_corrected.csv").label
    assert (corrected == table.true).mean() > (table.given == table.true).mean() + 0.1
    capsys.readouterr()
    app(["noise", "estimate", "run", "--json"], standalone_mode=False)
    estimated = json.loads(capsys.readouterr().out)
    assert estimated["rate"] == pytest.approx(audit["noise"]["rate"])
    assert estimated["interval"] == pytest.approx(audit["noise"]["interval"])
    by_networks = [one["rate"] for one in estimated["estimates"] if one["method"] == "em"]
    assert by_networks and min(by_networks) >= audit["noise"]["told_wrong"] - 1e-4


@pytest.mark.parametrize(
    ("share", "key"),
    [("othr=0.2", "class_shares.othr"), ("other", "--share"), ("other=2", "class_shares.other")],
)
@pytest.mark.usefixtures("table")
def test_a_share_that_cannot_be_writes_nothing(share: str, key: str) -> None:
    with refused(key=key):
        app(["clean", "tickets.csv", "-q", "--out", "run", "--share", share], standalone_mode=False)
    assert not Path("run").exists()


def test_recipes_tell_shares_and_those_that_do_not_are_as_before() -> None:
    plain = loads("data: {name: quickstart}\n")
    told = loads("data: {name: quickstart}\nclass_shares: {science: 0.1-0.3, sport: [0.1, 0.2]}\n")
    assert told.class_shares == {"science": "0.1-0.3", "sport": [0.1, 0.2]}
    assert told.fingerprint() != plain.fingerprint() == loads(plain.dump()).fingerprint()
    assert loads(told.dump()).class_shares == told.class_shares
    assert loads("data: {name: quickstart}\nclass_shares: even\n").class_shares == "even"


def test_what_was_found_under_other_shares_is_not_taken(tmp_path: Path) -> None:
    import torch

    from clc_text.data.rows import Rows
    from clc_text.text.networks.mlp import MLP
    from clc_text.training.arguments import NoisyLabelArguments

    _, features, given, true = by_keywords(200)
    numbers = torch.from_numpy(np.array([list(CLASSES).index(name) for name in given]))
    rows = Rows({"features": torch.from_numpy(features)}, numbers)
    network = MLP(hidden=[8])

    def trainer(shares: ClassShares | None, **more: Any) -> clc_text.NoisyLabelTrainer:
        arguments = NoisyLabelArguments(
            output_dir=str(tmp_path / "trainer"), num_train_epochs=1, save_strategy="no", report_to=[], seed=0
        )
        return clc_text.NoisyLabelTrainer(
            network.build(rows.inputs, list(CLASSES), 2, 0), arguments, class_shares=shares,
            method=CLCAuto(folds=2, fold_rounds=2, fold_epochs=2), train_dataset=rows,
            **{"cross_fit_dir": tmp_path, **more},
            peers_init=lambda peers, seed: network.build(rows.inputs, list(CLASSES), peers, seed),
        )  # fmt: skip

    told = clc_text.ClassShares.of(SHARES, list(CLASSES))
    trainer(told).train()
    trainer(told).train()
    with refused(where=tmp_path, key="class shares"):
        trainer(None).train()
    with refused(key="class_shares", says="2"):
        trainer(ClassShares(np.zeros(2), np.ones(2))).train()

    asked = np.random.default_rng(1).choice(200, 40, replace=False)
    answers = np.array([list(CLASSES).index(name) for name in true[asked]])
    told = clc_text.ClassShares.of({"other": 0.9}, list(CLASSES))
    trusted, said = TrustedLabels(asked, answers, np.full(40, 0.2)), []
    trainer(told, trusted=trusted, cross_fit_dir=None, epoch_listeners=[lambda one: said.extend(one.notices)]).train()
    assert any(notice.name == "class_shares" and "'other'" in notice.message for notice in said)
