"""From a run directory to what one push sends."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clc_text.artifacts.folders import without_folders
from clc_text.artifacts.names import EARLIER
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.existing_audit import read_audit
from clc_text.corrections.store import Corrected, undisturbed
from clc_text.errors import InputError
from clc_text.hub import images, personal, publish
from clc_text.hub.bundle import Bundle
from clc_text.hub.card import Split, Stated, dataset_card, model_card
from clc_text.hub.public_votes import public_audit, write_votes
from clc_text.hub.sent import columns_sent
from clc_text.utils.files import write_json
from clc_text.utils.links import leading_out

_MEANINGS = {
    "noise/manifest.json": "how the labels were made noisy, enough to do it again",
    "noise/labels.parquet": "the given label of every training row, the true one where known, and which were canaries",
    "noise/votes.parquet": "all labels of each row by their sources, a line each, or a line a class and its weight",
    "recipe.yaml": "the recipe of the run, every key",
    "environment.json": "versions, seeds, sha256 of the data's files",
    "result.json": "the figures of the run",
    "notices.json": "what the run noticed about itself",
    "audit.json": "how far the corrections can be trusted",
    "corrected.json": "by which rule the labels were changed",
}
_DATASET = (*_MEANINGS, "data/")
_MODEL = (
    "noise/manifest.json", "recipe.yaml", "environment.json", "result.json", "notices.json", "model/", "encoder/",
)  # fmt: skip


def dataset_bundle(run: RunDirectory, repo: str, stated: Stated, folder: Path, columns: str | None = None) -> Bundle:
    """The corrected dataset, the labels and the manifest of its noise, the recipe, the figures, and the card.

    Args:
        folder: an empty one for the files that differ from the run's own; needed until the bundle has been sent.
        columns: what of the source is sent beside texts, labels and ids (see `columns_sent`).

    Commands that change the corrected dataset wait meanwhile; what is sent then lies in `folder`, so that they need
    not wait for the sending, and it is one state that is sent.

    Raises:
        InputError: the run has no corrected dataset or no such column, or its parts do not belong together.
    """
    check_no_link(run)
    run.result()
    with undisturbed(run):
        return _of_dataset(run, repo, stated, folder, columns)


def _of_dataset(run: RunDirectory, repo: str, stated: Stated, folder: Path, columns: str | None) -> Bundle:
    import pyarrow.parquet as pq
    from datasets import Features

    corrected = Corrected(run)
    shards = corrected.shards
    if not shards:
        raise InputError(
            f"{corrected.path} has no data/; make it again with `clc-text correct {run.path}`", where=corrected.path
        )
    publish.check_given(shards, run.labels().given)
    audit = read_audit(run, corrected.facts["changed"], corrected.facts["labels"])

    features = Features.from_arrow_schema(pq.read_schema(shards[0]))
    sent = columns_sent(corrected, features, columns)
    if images.image_columns(features) or sent.left_out:
        features = images.published_features(features, shards)
        features = Features({name: features[name] for name in sent.columns})
        for shard in shards:
            images.write_shard(shard, features, folder / shard.name)
        shards = [folder / shard.name for shard in shards]
    files = {f"data/{shard.name}": shard for shard in shards}
    splits = {"train": _split(shards)}
    if run.file("data/test.parquet").is_file():
        test = folder / "test.parquet"
        publish.write_test(run, corrected.facts["renamed"], features.arrow_schema, test)
        files["data/test-00000-of-00001.parquet"] = test
        splits["test"] = _split([test])
    files["corrected.json"] = corrected.path / "corrected.json"
    if audit is not None:
        audit = public_audit(audit)
        files["audit.json"] = folder / "audit.json"
        write_json(files["audit.json"], audit)
    files["noise/labels.parquet"] = folder / "labels.parquet"
    publish.write_labels(run, files["noise/labels.parquet"])
    if write_votes(run, folder / "votes.parquet"):
        files["noise/votes.parquet"] = folder / "votes.parquet"
    files |= _about_the_run(run, folder)
    files = {name: _kept(path, folder) for name, path in files.items()}

    rows = [path for name, path in files.items() if name.startswith("data/")]
    told = tuple(personal.told(personal.find_personal(rows, sent.columns)))
    meanings = {"data/": "the rows, Parquet"} | {path: _MEANINGS[path] for path in _MEANINGS if path in files}
    card = dataset_card(run, repo, stated, splits, features, meanings, corrected.facts, audit)
    return Bundle(
        "dataset", f"Corrected labels of run {run.run_id}", files, card, _DATASET, sent.columns, sent.left_out, told
    )


def _kept(path: Path, folder: Path) -> Path:
    """The file itself where it lies in `folder`, else a copy there."""
    if path.parent == folder:
        return path
    copy = folder / "kept" / path.name
    copy.parent.mkdir(exist_ok=True)
    shutil.copyfile(path, copy)
    return copy


def model_bundle(run: RunDirectory, repo: str, stated: Stated, folder: Path) -> Bundle:
    """The networks and the encoder, laid out so that a download is a run directory for `clc-text predict`.

    Args and errors as `dataset_bundle`.
    """
    check_no_link(run)
    run.result()
    files: dict[str, Path] = {}
    for part in ("model", "encoder"):
        bundle = {
            f"{part}/{path.relative_to(run.file(part)).as_posix()}": path
            for path in sorted(run.file(part).rglob("*"))
            if is_sent(path)
        }
        if not bundle:
            raise InputError(f"{run.path} has no {part}/; train the run again", where=run.path)
        files |= bundle
    if "model/config.json" in files and publish.write_config(files["model/config.json"], folder / "config.json"):
        files["model/config.json"] = folder / "config.json"
    files |= _about_the_run(run, folder)
    meanings = {"model/": "the networks, safetensors", "encoder/": "what turns a row into numbers"}
    meanings |= {path: _MEANINGS[path] for path in _MEANINGS if path in files}
    card = model_card(run, repo, stated, meanings)
    return Bundle("model", f"Model of run {run.run_id}", files, card, _MODEL)


def _about_the_run(run: RunDirectory, folder: Path) -> dict[str, Path]:
    files = {
        "recipe.yaml": folder / "recipe.yaml",
        "noise/manifest.json": folder / "manifest.json",
        "environment.json": folder / "environment.json",
        "result.json": run.file("result.json"),
    }
    publish.write_recipe(run, files["recipe.yaml"])
    publish.write_manifest(run, files["noise/manifest.json"])
    known = run.environment()
    told: Mapping[str, Any] = known["facts"]
    facts = {part: without_folders(said) for part, said in told.items()}
    write_json(files["environment.json"], {**known, "facts": facts})
    if run.file("notices.json").is_file():
        files["notices.json"] = run.file("notices.json")
    return files


# What networks, tokenizers and encoders are saved as; whatever else lies beside them is not a push's to publish.
_SENT = {
    "config.json", "peers.json", "adapter_config.json", "generation_config.json",
    "encoder.json", "words.json", "terms.json", "preprocessor_config.json",
    "model.safetensors.index.json", "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt",
    "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "chat_template.jinja",
}  # fmt: skip


def is_sent(path: Path) -> bool:
    return path.is_file() and (path.name in _SENT or (path.suffix == ".safetensors" and path.name[0] != "."))


def check_no_link(run: RunDirectory) -> None:
    """That all which a push reads lies in the run: a link would publish what it leads to, a stranger's choice.

    Raises:
        InputError: names the first link that leads out of it.
    """
    found = leading_out(run.path, _READ)
    if found is not None:
        raise InputError(
            f"{found} is a link that leads out of the run, so a push would publish something else; put the file "
            "itself in its place",
            where=found,
        )


_READ = (
    "recipe.yaml", "environment.json", "result.json", "notices.json", EARLIER["notices.json"], "audit.json",
    "metrics.jsonl", "noise", "data",
    "corrected", "model", "encoder", "crossfit.json", "crossfit.safetensors",
)  # fmt: skip


def _split(shards: list[Path]) -> Split:
    import pyarrow.parquet as pq

    metadata = [pq.read_metadata(shard) for shard in shards]
    return Split(
        rows=sum(file.num_rows for file in metadata),
        bytes=sum(file.row_group(group).total_byte_size for file in metadata for group in range(file.num_row_groups)),
        download=sum(shard.stat().st_size for shard in shards),
    )
