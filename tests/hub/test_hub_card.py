"""Cards: metadata that the Hub reads, numbers that the run's files hold, and nothing that nobody knows."""

from __future__ import annotations

import copy
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from datasets import ClassLabel, Features, Value
from markdown_it import MarkdownIt

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import KeptVotes
from clc_text.data.votes import Votes
from clc_text.errors import InputError
from clc_text.hub.card import Split, Stated, _of_source, dataset_card, model_card, size_category
from clc_text.utils.printable_yaml import printable_yaml


def figure(count: int, of: int) -> dict[str, Any]:
    return {"value": count / of, "low": count / of - 0.01, "high": count / of + 0.01, "count": count, "of": of}


def an_audit(names: list[str]) -> dict[str, Any]:
    """An audit with a number of its own in every place."""
    return {
        "rows": 300,
        "policy": "not read: corrected.json has it",
        "predictions": {"kind": "out of sample", "folds": 5},
        "labels": {"given": 211, "method": 87, "person": 2},
        "corrections": {
            "rows": 88,
            "share": 88 / 300,
            "by_class": [
                {"label": name, "given": 50, "changed": count, "share": count / 50, "gained": 7, "now": 44}
                for count, name in enumerate(names, start=13)
            ],
            "pairs": [{"given": "a|b", "label": "<script>alert(1)</script>", "rows": 19}],
        },
        "noise": {"rate": 0.312, "interval": [0.271, 0.353], "predictions": "out of sample", "known_rate": 0.307},
        "canaries": {
            "planted": 6, "found": figure(5, 6), "repaired": figure(4, 6), "precision": figure(4, 5),
            "recall": {"value": 0.8, "low": 0.7, "high": 0.9},
            "precision_adjusted": {"value": 0.91, "low": 0.8, "high": 1.0},
            "false_correction_rate": {"value": 0.0456, "low": 0.01, "high": 0.09},
        },
        "truth": {
            "rows": 300, "right_before": figure(208, 300), "right_after": figure(271, 300), "fixed": 71, "broken": 9,
            "missed": 14, "altered": 3, "precision": figure(71, 88), "recall": figure(71, 92),
            "false_correction_rate": figure(9, 208),
        },
        "second_opinion": {"library": "cleanlab", "version": "2.9", "issues": 81, "changed_and_doubted": 77,
                           "truth": {"right_after": figure(260, 300)}},
        "verdict": {"trust": "look first", "summary": "Mostly | right.", "reasons": ["One *reason*."]},
    }  # fmt: skip


def corrected(run: RunDirectory) -> dict[str, Any]:
    return {
        "rows": 300, "changed": 88, "labels": {"given": 211, "method": 87, "person": 2},
        "policy": {"name": "agree", "sentence": "changed where <i>both</i> agree"},
    }  # fmt: skip


def card_of(folder: Path, audit: dict[str, Any] | None = None, stated: Stated | None = None, **splits: Split) -> str:
    run = RunDirectory(folder)
    names = ClassLabel(names=run.label_names)
    features = Features({"text": Value("string"), "kind": names, "label": names, "a|b <i>": Value("string")})
    splits = splits or {"train": Split(300, 1000, 500), "test": Split(60, 200, 100)}
    files = {"data/": "the rows"}
    return dataset_card(run, "user/odd", stated or Stated(), splits, features, files, corrected(run), audit)


def metadata(card: str) -> dict[str, Any]:
    return yaml.safe_load(re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)[1])


def test_metadata_is_what_the_hub_and_datasets_read(odd_run: Path) -> None:
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCard

    card = card_of(odd_run, stated=Stated("cc-by-4.0", ("en", "de")))
    found = metadata(card)
    assert found["license"] == "cc-by-4.0"
    assert found["language"] == ["en", "de"]
    assert found["task_categories"] == ["text-classification"]
    assert found["size_categories"] == ["n<1K"]
    assert found["source_datasets"] == ["extended"]
    assert found["pretty_name"] == "[o](//x) | <i> with corrected labels"
    assert {"noisy-labels", "label-correction"} <= set(found["tags"])
    files = {entry["split"]: entry["path"] for entry in found["configs"][0]["data_files"]}
    assert files == {"train": "data/train-*.parquet", "test": "data/test-*.parquet"}
    info = DatasetInfosDict.from_dataset_card_data(DatasetCard(card).data)["default"]
    assert info.features["label"].names == RunDirectory(odd_run).label_names
    assert info.splits["train"].num_examples == 300
    assert info.dataset_size == 1200
    assert info.download_size == 600


def test_metadata_shows_accents_and_hides_no_direction_marks() -> None:
    names = [
        "Ünïcödé 中文",
        "a\u202eb",
        "line\u2028sep\x85\x1b[2J\x00",
        "yes",
        "a\\ub",
        'q"\u200d',
        "\U000e0001",
        "x ---\n---\n",
    ]
    plain = {"names": {str(number): name for number, name in enumerate(names)}, "a\u202e": [1, None, True, 0.5]}
    text = printable_yaml(plain)
    assert yaml.safe_load(text) == plain
    assert all(character == "\n" or character.isprintable() for character in text)
    assert "Ünïcödé 中文" in text
    assert "---" not in text.splitlines()


def test_what_nobody_knows_is_not_said(odd_run: Path) -> None:
    card = card_of(odd_run, train=Split(300, 1000, 500))
    assert not {"license", "language"} & set(metadata(card))
    assert "Licence" not in card
    assert "test rows" not in card.split("## What the networks reached")[0]
    assert "**Not audited.**" in card
    for silent in ("None", "null |", "nan", "Undefined", "canaries"):
        assert silent not in card


def test_every_number_of_the_audit_is_in_the_card(odd_run: Path) -> None:
    card = card_of(odd_run, an_audit(RunDirectory(odd_run).label_names))
    for line in (
        "> **Verdict: look first.** Mostly \\| right.",
        "- One \\*reason\\*.",
        "88 of 300 labels were changed (29.3 %), by this rule: changed where &lt;i&gt;both&lt;/i&gt; agree.",
        "| method | 87 | the networks |",
        "| person | 2 | a person who looked at the row |",
        "| `a\\|b` | 50 | 16 | 32.0 % | 7 | 44 |",
        "| `a\\|b` | `<script>alert(1)</script>` | 19 |",
        "| given labels estimated to be wrong, by networks that never saw these labels | 31.2 % (27.1 to 35.3 %) |",
        "| given labels known to be wrong | 30.7 % |",
        "| right labels before | 69.3 % (68.3 to 70.3 %; 208 of 300) |",
        "| right labels now | 90.3 % (89.3 to 91.3 %; 271 of 300) |",
        "| changed labels that are right now (precision) | 80.7 % (79.7 to 81.7 %; 71 of 88) |",
        "| wrong labels that are right now (recall) | 77.2 % (76.2 to 78.2 %; 71 of 92) |",
        "| right labels that were changed | 4.3 % (3.3 to 5.3 %; 9 of 208) |",
        "| wrong labels put right | 71 |",
        "| right labels made wrong | 9 |",
        "| wrong labels left | 14 |",
        "| wrong labels changed to another wrong one | 3 |",
        "| canaries that were found | 83.3 % (82.3 to 84.3 %; 5 of 6) |",
        "| canaries that got back their label from before | 66.7 % (65.7 to 67.7 %; 4 of 6) |",
        " so this is a lower bound | 80.0 % (79.0 to 81.0 %; 4 of 5) |",
        "| changed labels that are right, as the canaries imply | 91.0 % (80.0 to 100.0 %) |",
        "| sound labels that were changed, as the canaries imply | 4.6 % (1.0 to 9.0 %) |",
        "| rows that cleanlab 2.9 doubts | 81 |",
        "| of these, changed here | 77 |",
        "| right labels if the doubts of cleanlab were followed | 86.7 % (85.7 to 87.7 %; 260 of 300) |",
        "Every row was judged by networks that had not been trained on it (5 folds).",
    ):
        assert f"{line}\n" in card, line


def test_who_labelled_is_told(odd_run: Path) -> None:
    right = {"value": 0.877, "low": 0.8, "high": 0.93}
    sources = [
        {
            "name": "a|b", "votes": 12, "accuracy": right, "agreement": 0.5,
            "confused": [{"true": "x", "said": "y|z", "share": 0.25}, {"true": "y|z", "said": "x", "share": 0.1}],
        },
        {"name": "<i>", "votes": 1234, "accuracy": None, "agreement": None, "confused": []},
    ]  # fmt: skip
    alone = [{"votes": 1, "right": 0.871}, {"votes": 2, "right": 0.9}]
    several: dict[str, Any] = {
        "sources": sources,
        "alpha": 0.8664,
        "soft": 7,
        "alone": alone,
        "joined": {"labels": 1246, "overruled": 3, "tied": 1},
    }
    audit = an_audit(RunDirectory(odd_run).label_names) | {"several_labels": several}
    audit["predictions"] = {"kind": "votes", "folds": 5}
    card = card_of(odd_run, audit)
    for line in (
        "1,246 labels by 2 sources are joined",
        "Krippendorff's alpha is 0.866, by the likeliest classes of 7 labels that are probabilities.",
        "| `a\\|b` | 12 | 87.7 % | 80.0 % to 93.0 % | 50.0 % | `x` taken for `y\\|z` in 25.0 % |",
        "| `<i>` | 1,234 | – | – | – |  |",
        "| 1 | 87.1 % |",
        "judged by all of its labels together with its text",
    ):
        assert line in card, line
    assert card.index("1,234") < card.index("a\\|b` | 12")  # those with most labels first
    assert "Who labelled" not in card_of(odd_run, an_audit(RunDirectory(odd_run).label_names))


def test_labels_that_were_joined_without_networks_are_not_their_opinion(odd_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(odd_run, tmp_path / "run"))
    rows, names = RunDirectory(run).environment()["rows"]["train"], RunDirectory(run).label_names
    votes = Votes.of_table(np.zeros((rows, 2), np.int64), len(names))
    kept = KeptVotes(votes, votes.majority, np.tile(np.eye(len(names)), (2, 1, 1)), {"join": "cross_fit"})
    audit = an_audit(names)
    for join in ("cross_fit", "majority"):
        replace(kept, facts={"join": join}).save(run)
        card = card_of(run, audit)
        by_networks = "A corrected label is the opinion of networks"
        assert ("no network has judged it" in card, by_networks in card) == (join == "cross_fit", join == "majority")
        assert ("| method | 87 | the networks |" in card) == (join == "majority")


def test_an_audit_that_knows_little_gives_a_short_card(odd_run: Path) -> None:
    audit = copy.deepcopy(an_audit(RunDirectory(odd_run).label_names))
    audit |= {"canaries": None, "truth": None, "second_opinion": None}
    audit["noise"] |= {"known_rate": None, "interval": None, "predictions": "in sample"}
    audit["predictions"] = {"kind": "in sample", "folds": None}
    audit["corrections"]["by_class"][3] |= {"given": 0, "changed": 0, "share": None}
    card = card_of(odd_run, audit)
    assert "| given labels estimated to be wrong, by networks trained on these very labels: too low | 31.2 % |" in card
    assert "| `a\\|b` | 0 | 0 | – | 7 | 44 |" in card
    assert "The networks judged rows that they were trained on" in card
    for silent in ("None", "canaries", "right labels", "known to be wrong"):
        assert silent not in card


def test_foreign_text_stays_text(odd_run: Path) -> None:
    """Read as Markdown, the card has our headings, tables and code, and neither HTML, images nor foreign links."""
    card = card_of(odd_run, an_audit(RunDirectory(odd_run).label_names))
    body = card.split("\n---\n", 1)[1]
    for text in (body, model_card(RunDirectory(odd_run), "user/odd", Stated(), {}).split("\n---\n", 1)[1]):
        tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
        flat = [child for token in tokens for child in (token, *(token.children or []))]
        assert not {"html_inline", "html_block", "image", "link_open"} & {token.type for token in flat}
        headings = [flat[index + 1].content for index, token in enumerate(flat) if token.type == "heading_open"]
        assert "[o](//x) | <i>" in headings[0].replace("\\", "").replace("&lt;", "<").replace("&gt;", ">")
        assert all(not heading.startswith("#") for heading in headings)
    shown = {token.content for token in flat if token.type == "code_inline"}
    assert set(RunDirectory(odd_run).label_names) <= shown


def test_every_row_of_a_table_has_its_columns(odd_run: Path) -> None:
    body = card_of(odd_run, an_audit(RunDirectory(odd_run).label_names)).split("\n---\n", 1)[1]
    tables = re.findall(r"(?:^\|.*\|\n)+", body, re.MULTILINE)
    assert len(tables) == sum(token.type == "table_open" for token in MarkdownIt().enable("table").parse(body)) == 7
    for table in tables:
        bars = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(bars) == 1, table


def test_a_short_run_has_no_ten_last_epochs(odd_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(odd_run, tmp_path / "run"))
    result = json.loads((folder / "result.json").read_text())
    for epochs, averaged in ((16, "10 epochs"), (8, "8 epochs"), (1, "1 epoch")):
        (folder / "result.json").write_text(json.dumps(result | {"epochs": epochs}))
        assert f"| mean of the last {averaged} |" in card_of(folder)
        model = model_card(RunDirectory(folder), "user/odd", Stated(), {})
        assert f"| the last {averaged}, their mean |" in model


def test_injected_noise_is_said_first(odd_run: Path) -> None:
    card = card_of(odd_run)
    manifest = RunDirectory(odd_run).noise_manifest()
    first = card.split("\n> ")[1]
    assert first.startswith("**The wrong labels are synthetic.**")
    assert f"{100 * manifest['realised_rate']:.1f} % of the given labels are wrong" in card
    assert "the true class is never drawn" in card


def test_warnings_of_the_run_are_in_the_card(odd_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(odd_run, tmp_path / "run"))
    notice = '{"name": "x", "severity": "%s", "epoch": 3, "message": "%s"}'
    both = f"[{notice % ('warning', 'it fell | over')}, {notice % ('note', 'not this')}]"
    (folder / "notices.json").write_text(both)
    card = card_of(folder)
    assert "- Noticed while training: it fell \\| over\n" in card
    assert "not this" not in card
    model = model_card(RunDirectory(folder), "user/odd", Stated(), {})
    assert "> Noticed while training: it fell \\| over\n" in model


def test_a_model_that_others_can_read_is_said_to_be_one(odd_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(odd_run, tmp_path / "run"))
    said = 'AutoModelForSequenceClassification.from_pretrained("user/odd", subfolder="model")'
    card = model_card(RunDirectory(folder), "user/odd", Stated(), {})
    assert said not in card and "No `AutoModel` and no `pipeline`" in card, "a perceptron on word vectors is none"
    facts = {"peers": 2, "main": 0, "chosen": "it agrees <b>most</b>", "classes": []}
    (folder / "model" / "peers.json").write_text(json.dumps(facts))
    card = model_card(RunDirectory(folder), "user/odd", Stated(), {})
    assert said in card and "One of the networks alone is an ordinary model" in card and "No `AutoModel`" not in card
    assert "it agrees" in card and "<b>most" not in card
    last = RunDirectory(folder).metrics()[-1]["test"]["accuracy"]["peers"]
    assert f"read without this package and right on {last[0]:.2f} % of the test rows after the last epoch:" in card
    (folder / "metrics.jsonl").unlink()
    assert "read without this package:" in model_card(RunDirectory(folder), "user/odd", Stated(), {})


def test_known_datasets_bring_their_source_and_licence(odd_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(odd_run, tmp_path / "run"))
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"data": {"name": "trec", "labels": "coarse"}}))
    found = metadata(card_of(folder))
    assert found["license"] == "unknown"
    assert found["source_datasets"] == ["CogComp/trec"]
    assert found["language"] == ["en"]
    assert "- Licence: the source states none.\n" in card_of(folder)
    assert "X. Li and D. Roth" in card_of(folder)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe | {"data": {"name": "hub", "id": "them/theirs"}}))
    found = metadata(card_of(folder))
    assert found["source_datasets"] == ["them/theirs"]
    assert "license" not in found


def test_a_model_card_without_test_rows_claims_no_accuracy(odd_run: Path, tmp_path: Path) -> None:
    import json

    folder = Path(shutil.copytree(odd_run, tmp_path / "run"))
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps(result | {"accuracy": None}))
    card = model_card(RunDirectory(folder), "user/odd", Stated(), {})
    assert "model-index" not in metadata(card)
    assert "accuracy" not in card
    assert "accuracy" not in card_of(folder)


@pytest.mark.parametrize(
    ("rows", "category"),
    [(1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (1_000_000, "1M<n<10M"),
     (10**12, "n>1T"), (10**12 - 1, "100B<n<1T")],
)  # fmt: skip
def test_size_categories(rows: int, category: str) -> None:
    assert size_category(rows) == category


@pytest.mark.parametrize("stated", [{"licence": "CC BY"}, {"licence": ""}, {"language": ("english",)}])
def test_what_is_no_licence_or_language(stated: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Stated(**stated)


def test_a_label_that_was_joined_is_nobodys_own() -> None:
    for joined, said in (
        (True, "what the labels of all sources say together"),
        (False, "the source's own label"),
    ):
        known = {"label_column": "y", "input_column": "text"}
        assert _of_source("y", None, known, {"modality": "text"}, joined) == said
