"""Variants of one class name, and the lines of a recipe that join them."""

from __future__ import annotations

import yaml

from clc_text.data.checks.label_variants import label_map, label_variants

ROWS = {
    "Mac": 5, "Mac ": 2, "mac": 2, "\uff2d\uff41\uff43": 1, "tea": 2, "caf\u00e9": 1, "cafe\u0301": 3,
    "x\u200b": 1, "x": 1, 'say "a\\b"': 1, 'Say "a\\b"': 2, "on": 1, "ON": 2, "1": 4,
}  # fmt: skip


def test_groups_keep_their_most_frequent_name() -> None:
    groups = label_variants(ROWS)
    assert [next(iter(group)) for group in groups] == ["Mac", "cafe\u0301", "x", 'Say "a\\b"', "ON"]
    assert groups[0] == {"Mac": 5, "mac": 2, "Mac ": 2, "\uff2d\uff41\uff43": 1}
    assert label_variants({"a": 1, "b": 2, "a b": 1, "": 3}) == []


def test_yaml_reads_the_lines_as_the_names() -> None:
    groups = label_variants(ROWS)
    read = yaml.safe_load(label_map(groups))["label_map"]
    assert read == {name: next(iter(group)) for group in groups for name in list(group)[1:]}


def test_what_cannot_be_told_apart_by_eye_is_a_number() -> None:
    written = label_map(label_variants(ROWS))
    assert (
        '"x\\U0000200b": "x"' in written and '"Mac ": "Mac"' in written and '"caf\u00e9": "cafe\\U00000301"' in written
    )


def test_a_recipe_with_the_lines_has_no_variants(tmp_path) -> None:
    import json

    from clc_text.config.recipe import load
    from clc_text.data.describe import describe

    names = [name for name, rows in ROWS.items() for _ in range(rows)]
    rows = [json.dumps({"text": f"text {place}", "label": name}) for place, name in enumerate(names)]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows), encoding="utf-8")
    recipe = f"name: r\ndata:\n  name: files\n  train: {tmp_path}/rows.jsonl\n"
    recipe += "encoder: {name: word_vectors, vectors: train}\n"
    (tmp_path / "before.yaml").write_text(recipe, encoding="utf-8")
    data = load(tmp_path / "before.yaml").data
    variants = describe(data.load(0))["label_variants"]
    assert len(variants) == 5
    lines = "".join(f"  {line}\n" for line in label_map(variants).splitlines())
    (tmp_path / "after.yaml").write_text(recipe.replace("encoder:", lines + "encoder:"), encoding="utf-8")
    found = describe(load(tmp_path / "after.yaml").data.load(0))
    assert found["label_variants"] == [] and len(found["classes"]) == 7
