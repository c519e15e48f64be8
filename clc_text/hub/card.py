"""The cards of a corrected dataset and of a model: README.md of their repositories.

Every number comes from the run's result.json, audit.json and manifest; what is not known has no line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.artifacts.audit import Audit
from clc_text.artifacts.results import LAST
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Notice
from clc_text.artifacts.votes import joined_with_texts
from clc_text.corrections.audit_metrics import in_words, shown_in
from clc_text.errors import InputError
from clc_text.hub.markdown import Markdown, environment, line
from clc_text.hub.sources import source_of
from clc_text.utils.printable_yaml import printable_yaml
from clc_text.utils.typed_json import read_json

if TYPE_CHECKING:
    from datasets import Features

CLASSES_SHOWN = 100
TAGS = ("noisy-labels", "label-correction", "clc-text")
TASK = {"text": "text-classification", "vision": "image-classification"}


@dataclass(frozen=True)
class Stated:
    """What only the user can say of what is published.

    Attributes:
        licence: the Hub's identifier, such as ``"cc-by-4.0"``; None for what the source states, if anything.
        language: ISO 639 codes; empty for the source's, if known.
    """

    licence: str | None = None
    language: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.licence is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", self.licence):
            raise InputError(
                f"'{line(self.licence)}' is no licence of the Hub; its names are such as cc-by-4.0, apache-2.0, other",
                key=line(self.licence),
            )
        for code in self.language:
            if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]+)?", code):
                raise InputError(
                    f"'{line(code)}' is no language code; write two or three letters, such as en", key=line(code)
                )


@dataclass(frozen=True)
class Split:
    """The size of a split: rows, bytes of its values, bytes of its files."""

    rows: int
    bytes: int
    download: int


def dataset_card(
    run: RunDirectory,
    repo: str,
    stated: Stated,
    splits: Mapping[str, Split],
    features: Features,
    files: Mapping[str, str],
    corrected: Mapping[str, Any],
    audit: Audit | None,
) -> str:
    """README.md of a corrected dataset.

    Args:
        splits: train, and test where the run kept it.
        features: of both splits.
        files: path in the repository -> what it is.
        corrected: corrected.json.
        audit: audit.json, or None where there is none.
    """
    from datasets.info import DatasetInfo, DatasetInfosDict
    from datasets.splits import SplitDict, SplitInfo
    from huggingface_hub import DatasetCardData

    recipe, known, joined = run.recipe(), run.environment(), run.labels_joined
    source = source_of(recipe, known["dataset"])
    licence = stated.licence or source.licence
    meanings = COLUMNS | (OF_JOINED if joined_with_texts(run.path) else {})
    sizes = [SplitInfo(name, split.bytes, split.rows, dataset_name=None) for name, split in splits.items()]
    info = DatasetInfo(
        features=features,
        splits=SplitDict({size.name: size for size in sizes}),
        download_size=sum(split.download for split in splits.values()),
        dataset_size=sum(split.bytes for split in splits.values()),
    )
    metadata = DatasetCardData(
        pretty_name=f"{source.title} with corrected labels",
        language=list(stated.language or source.language) or None,
        license=licence,
        task_categories=[TASK[recipe["modality"]]],
        size_categories=[size_category(sum(split.rows for split in splits.values()))],
        source_datasets=list(source.ids),
        tags=list(TAGS),
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": name, "path": f"data/{name}-*.parquet"} for name in splits],
            }
        ],
    )
    DatasetInfosDict({"default": info}).to_dataset_card_data(metadata)
    return _render(
        "dataset_card.md",
        metadata=metadata,
        source=source,
        licence=licence,
        repo=repo,
        splits={"train": splits["train"].rows, "test": splits["test"].rows if "test" in splits else 0},
        label_names=known["label_names"],
        injected=_injected(run),
        joined=joined_with_texts(run.path),
        manifest=run.noise_manifest(),
        environment=known,
        accuracy=None if run.asked else run.result()["accuracy"],
        asked=run.asked,
        class_column=_class_column(run, corrected),
        of_classes=_of_classes(run),
        averaged=min(LAST, run.result()["epochs"]),
        corrected=corrected,
        audit=audit,
        metrics=[] if audit is None else _metrics(audit),
        notices=[] if audit else _warnings(run),  # an audit's reasons name them
        limit=CLASSES_SHOWN,
        columns=[
            {
                "name": name,
                "type": _type(feature),
                "meaning": Markdown(meanings.get(name) or _of_source(name, feature, known, recipe, joined)),
            }
            for name, feature in features.items()
        ],
        files=files.items(),
        made=_made(run),
    )


def _class_column(run: RunDirectory, corrected: Mapping[str, Any]) -> str | None:
    """What the column is called now that names a pair's class; None where a row has one class."""
    name = run.environment().get("class_column")
    return None if name is None else str(corrected["renamed"].get(name, name))


def _of_classes(run: RunDirectory) -> list[tuple[str, float]]:
    """What predictions of test texts reached where several classes may hold, in percent; nothing elsewhere."""
    scores = run.result().get("multi_label") or {}
    return [(OF_CLASSES[name], value) for name, value in scores.items()]


def _metrics(audit: Audit) -> list[tuple[str, Markdown]]:
    """What an audit measured, in words."""
    lines = []
    for one, value in shown_in("card", audit):
        remark = one.remark(audit)
        lines.append((one.titled(audit) + (f", {remark}" if remark else ""), Markdown(in_words(value))))
    return lines


def model_card(run: RunDirectory, repo: str, stated: Stated, files: Mapping[str, str]) -> str:
    """README.md of a run's model."""
    from huggingface_hub import EvalResult, ModelCardData

    recipe, known, result = run.recipe(), run.environment(), run.result()
    source = source_of(recipe, known["dataset"])
    task = TASK[recipe["modality"]]
    accuracy = None if run.asked else result["accuracy"]  # that of pairs would look like that of texts
    ordinary = _ordinary(run)
    hub_ids = [name for name in source.ids if "/" in name]
    evaluation = None
    if accuracy is not None:
        evaluation = [
            EvalResult(
                task_type=task,
                dataset_type=hub_ids[0] if hub_ids else known["dataset"],
                dataset_name=source.title,
                dataset_split="test",
                metric_type="accuracy",
                metric_name="accuracy of the ensemble after the last epoch",
                metric_value=round(accuracy["last"]["ensemble"] / 100, 4),
            )
        ]
    metadata = ModelCardData(
        model_name=repo.split("/")[1] if evaluation else None,
        eval_results=evaluation,
        language=list(stated.language or source.language) or None,
        license=stated.licence,
        datasets=hub_ids or None,
        metrics=["accuracy"] if evaluation else None,
        pipeline_tag=task,
        tags=list(TAGS),
    )
    return _render(
        "model_card.md",
        metadata=metadata,
        source=source,
        repo=repo,
        modality=recipe["modality"],
        label_names=run.asked or known["label_names"],
        asked=run.asked,
        of_classes=_of_classes(run),
        limit=CLASSES_SHOWN,
        injected=_injected(run),
        manifest=run.noise_manifest(),
        environment=known,
        accuracy=accuracy,
        averaged=min(LAST, result["epochs"]),
        notices=_warnings(run),
        files=files.items(),
        made=_made(run),
        licence=stated.licence,
        ordinary=ordinary,
        alone=None if ordinary is None or accuracy is None else _accuracy_alone(run, ordinary["main"]),
        only_here=not _peers_file(run).is_file(),
    )


def _ordinary(run: RunDirectory) -> Any:
    """What the networks' folder says of itself where any `AutoModel` reads it; None where only this package does."""
    from clc_text.models.peers_folder import PeersFacts

    path = _peers_file(run)
    return read_json(path, PeersFacts) if path.is_file() and run.recipe()["modality"] == "text" else None


def _accuracy_alone(run: RunDirectory, peer: int) -> float | None:
    """In percent, of one network on the test rows after the last epoch; None where that is not known."""
    tested = run.metrics()[-1].get("test") if run.file("metrics.jsonl").is_file() else None
    return None if tested is None else float(tested["accuracy"]["peers"][peer])


def _peers_file(run: RunDirectory) -> Path:
    """There where the networks are ordinary models."""
    from clc_text.models.peers_folder import PEERS

    return run.file("model") / PEERS


COLUMNS = {
    "label": "the current label",
    "label_given": "the label before any correction: the source's, with the noise that was added, if any",
    "label_true": "the true label where it is known, else null",
    "label_suggested": "the class that is most probable beside the given one, whether or not it was taken",
    "label_source": "who said the current label: `given`, `method` or `person`",
    "confidence": "probability, 0 to 1, of the suggested class",
    "probability_given": "probability, 0 to 1, of the given class",
    "entropy": "of the networks' prediction, in nats: 0 is sure",
    "peers_agree": "whether all networks suggest the same class; always true out of sample, where one judges a row",
    "doubt": "probability, 0 to 1, that the given label is wrong; where a person has decided, 0 or 1",
    "rank": "1 for the row whose given label is most probably wrong; rows that a person has answered come last",
    "corrected_at_epoch": "first epoch since which all networks were taught the current label; null where not changed",
    "run_id": "the run that made the corrections",
    "source_row": "the row's number in the file that it came from, as the file counts them",
}
OF_JOINED = {
    "label_given": "the label by all sources together with the text",
    "confidence": "probability, 0 to 1, of the suggested class, by all labels of the row and its text",
    "entropy": "of what is believed of the row, in nats: 0 is sure",
    "peers_agree": "always true: one belief judges a row",
}
OF_CLASSES = {
    "f1_micro": "micro F1",
    "f1_macro": "macro F1",
    "average_precision": "mean average precision",
    "subset_accuracy": "texts with all classes right",
}


def size_category(rows: int) -> str:
    """The Hub's name for so many rows, such as ``1K<n<10K``."""
    bounds = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    for power, bound in enumerate(bounds):
        if rows < 1000 * 10**power:
            return f"n<{bound}" if power == 0 else f"{bounds[power - 1]}<n<{bound}"
    return "n>1T"


def _render(template: str, metadata: Any, **values: Any) -> str:
    text = environment().get_template(template).render(metadata=Markdown(printable_yaml(metadata.to_dict())), **values)
    return text.rstrip() + "\n"


def _injected(run: RunDirectory) -> bool:
    return run.noise_manifest()["name"] != "none"


def _warnings(run: RunDirectory) -> list[Notice]:
    return [notice for notice in run.notices() if notice["severity"] == "warning"]


def _of_source(name: str, feature: Any, known: Mapping[str, Any], recipe: Mapping[str, Any], joined: bool) -> str:
    """What a column of the source is; `joined`: the labels are made of several (`RunDirectory.labels_joined`)."""
    if name == known.get("class_column"):
        return "the class that is asked: whether it holds of the text is what the labels say"
    if name == known["label_column"]:
        return "what the labels of all sources say together" if joined else "the source's own label"
    if name != known["input_column"]:
        return "of the source, untouched"
    if recipe["modality"] == "vision" and getattr(feature, "dtype", "") == "string":
        return "the name of the image's file; the image itself is to be had from the source"
    return "what the networks read"


def _type(feature: Any) -> str:
    names = getattr(feature, "names", None)
    if names is not None:
        return f"ClassLabel, {len(names)} classes"
    return str(feature.dtype) if type(feature).__name__ == "Value" else type(feature).__name__


def _made(run: RunDirectory) -> list[tuple[str, str]]:
    """How the run was made, as names and values."""
    recipe, known, result = run.recipe(), run.environment(), run.result()
    networks = "1 network" if known["peers"] == 1 else f"{known['peers']} networks"
    made = [
        ("method", f"{result['method']}, {networks}, {result['epochs']} epochs"),
        ("encoder and network", f"{recipe['encoder']['name']}, {recipe['network']['name']}"),
    ]
    if _injected(run):
        noise = result["noise"]
        rate = "" if noise["rate"] is None else f" at {noise['rate']:g}"
        made.append(("noise", f"{noise['name']}{rate}, realised rate {noise['realised_rate']:.4f}"))
    made.append(("seeds", ", ".join(f"{name} {seed}" for name, seed in known["seeds"].items())))
    sources = [f"{source['path']} (sha256 {(source['sha256'] or '')[:16]}…)" for source in known["sources"]]
    if sources:
        made.append(("read from", ", ".join(sources)))
    versions = [f"{package} {version}" for package, version in known["versions"].items() if version]
    return [*made, ("versions", ", ".join(versions)), ("run", known["run_id"])]
