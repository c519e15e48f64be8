"""How the run came about, enough to do it again: recipe, data, versions, hashes, and the corrections' history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from clc_text.artifacts.folders import without_folders
from clc_text.artifacts.public_recipe import public_recipe
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.report.markup import facts_table, folded, joined, piece, table
from clc_text.utils.files import sha256_of_file

HASHED = ("recipe.yaml", "noise/manifest.json", "noise/labels.parquet", "predictions.safetensors")


def recipe_html(run: RunDirectory) -> Markup:
    environment, manifest = run.environment(), run.noise_manifest()
    seeds = ", ".join(f"{name} {value}" for name, value in environment["seeds"].items())
    rows, method, peers = environment["rows"], environment["method"], environment["peers"]
    facts = [
        ("run", environment["run_id"]),
        ("dataset", f"{environment['dataset']}, {rows['train']:,} training rows, {rows['test']:,} test rows"),
        ("method", f"{method['name']}, {peers} network{'s' * (peers > 1)}; {method['citation']}"),
        ("noise", manifest.get("convention") or str(manifest["name"])),
        ("seeds", seeds),
    ]
    return facts_table("The run", facts) + piece("recipe", public_recipe(run))


def hashes_html(run: RunDirectory) -> Markup:
    """sha256 of what went in and what came out."""
    lines = [(name, piece("digest", digest)) for name, digest in _hashes(run)]
    return table("sha256", ["of", "sha256"], lines, "hashes")


def _hashes(run: RunDirectory) -> Iterator[tuple[str, str]]:
    environment = run.environment()
    for source in environment.get("sources") or []:
        told = without_folders(source)
        if told.get("sha256"):
            yield f"source {told.get('path') or told.get('name') or ''}", told["sha256"]
    for name, digest in (environment.get("files") or {}).items():
        yield name, digest
    for name, of_labels in (run.noise_manifest().get("sha256") or {}).items():
        if of_labels:
            yield f"{name.replace('_', ' ')}, in memory", of_labels
    for name in HASHED:
        if run.file(name).is_file():
            yield name, sha256_of_file(run.file(name))


def background_html(run: RunDirectory) -> Markup:
    """What loader and encoder noticed, versions, and the steps of the corrected dataset."""
    environment = run.environment()
    known: Mapping[str, Any] = environment.get("facts") or {}
    noticed = [
        (f"{part}: {name.replace('_', ' ')}", _value(value))
        for part, facts in known.items()
        for name, value in facts.items()
        if not isinstance(value, (dict, list))
    ]
    versions = [(name, str(value)) for name, value in (environment.get("versions") or {}).items()]
    parts = [
        folded("What loader and encoder noticed", facts_table("Data and encoder", noticed)) if noticed else Markup(""),
        folded("Versions", facts_table("Versions", versions)) if versions else Markup(""),
        _history(run),
    ]
    return joined(parts)


def _value(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _history(run: RunDirectory) -> Markup:
    from clc_text.corrections.store import Corrected

    if not run.file("corrected/corrected.json").is_file():
        return Markup("")
    lines = []
    for step in Corrected(run).history():
        said = [
            f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in step["arguments"].items()
            if name != "sentence" and value not in (None, False, 0)
        ]
        counts = (f"{step['labels'][name]:,}" for name in ("given", "method", "person"))
        what = f"{step['action']}: {', '.join(said)}"
        lines.append([str(step["step"]), step["time"], what, f"{step['changed']:,}", *counts])
    heads = ["step", "when", "what", "#rows changed", "#given", "#method", "#person"]
    title = "History of the corrected dataset"
    return folded(title, table("`clc-text revert RUN --to STEP` goes back to a step", heads, lines))
