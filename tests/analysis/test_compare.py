"""Comparison tables: figures against formulas written out, and warnings where a comparison is not fair."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest
import yaml
from refusals import refused

from clc_text.analysis.compare import compare_runs
from clc_text.analysis.significance import compare, holm
from clc_text.analysis.tables.compare_text import as_csv, as_json, as_markdown, as_table


def test_welch_by_hand():
    """Means 3 and 5, variances 1 and 4, n = 3: t = -2/√(1/3 + 4/3), df = (5/3)² / ((1/3)²/2 + (4/3)²/2) = 2.9412."""
    from scipy import stats

    found = compare([2, 3, 4], [3, 5, 7], paired=False)
    degrees = (5 / 3) ** 2 / ((1 / 3) ** 2 / 2 + (4 / 3) ** 2 / 2)
    assert found.kind == "Welch"
    assert found.p == pytest.approx(2 * stats.t.sf(2 / math.sqrt(5 / 3), degrees))


def test_paired_by_hand():
    """Differences 1, 2, 3: mean 2, sd 1, t = 2√3 with 2 degrees of freedom, so p = 1 - t/√(t² + 2) = 0.0742."""
    found = compare([2, 4, 6], [1, 2, 3], paired=True)
    assert found.kind == "paired"
    t = 2 * math.sqrt(3)
    assert found.p == pytest.approx(1 - t / math.sqrt(t * t + 2))


def test_no_test_where_there_is_nothing_to_test():
    assert compare([1], [2], paired=True).p is None
    assert compare([1, 1], [2, 2], paired=False).p is None
    assert compare([1, 2], [2, 3], paired=True).p is None


def test_holm_by_hand():
    """Sorted 0.01, 0.02, 0.04 times 3, 2, 1 = 0.03, 0.04, 0.04."""
    assert holm([0.04, 0.01, None, 0.02]) == pytest.approx([0.04, 0.03, None, 0.04])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@pytest.fixture
def runs(make_run):
    found = [make_run(method="clc", seed=seed, epochs=12) for seed in (0, 1, 2)]
    found += [make_run(method="standard", seed=seed, epochs=12, skill=0.4) for seed in (2, 0, 1)]
    return [*found, make_run(method="elr", seed=0, epochs=12, skill=0.6)]


def test_groups_are_ordered_by_the_last_ten_epochs(runs):
    found = compare_runs(runs)
    assert [(line.title, line.n) for line in found.lines] == [("CLC", 3), ("ELR", 1), ("Standard", 3)]
    values = []
    for run in runs[:3]:
        epochs = [sum(entry["test"]["accuracy"]["peers"]) / 2 for entry in run.metrics() if entry["phase"] == "method"]
        values.append(sum(epochs[-10:]) / len(epochs[-10:]))
    best = found.lines[0]
    mean = sum(values) / 3
    assert best.mean("last10") == pytest.approx(mean)
    assert best.deviation("last10") == pytest.approx(math.sqrt(sum((value - mean) ** 2 for value in values) / 2))
    assert best.test is None
    single, standard = found.lines[1:]
    assert single.p is None
    assert (standard.test.kind, standard.p) == ("paired", standard.test.p)
    assert standard.p < 0.05
    assert [seeds["noise"] for seeds in standard.seeds] == [0, 1, 2]


def test_other_seeds_are_not_paired(make_run):
    found = compare_runs(
        [make_run(seed=0), make_run(seed=1), make_run(method="elr", seed=2), make_run(method="elr", seed=3)]
    )
    assert found.lines[1].test.kind == "Welch"


def test_the_best_is_read_off_the_figures_so_that_all_pairs_count(make_run):
    skills = {"clc": 0.8, "standard": 0.4, "elr": 0.6}
    runs = [make_run(method=name, seed=s, epochs=12, skill=skill) for name, skill in skills.items() for s in range(3)]
    found = compare_runs(runs)
    values = [line.values["last10"] for line in found.lines]
    pairs = [compare(values[one], values[two], paired=True).p for one, two in ((0, 1), (0, 2), (1, 2))]
    assert [line.p for line in found.lines[1:]] == pytest.approx(holm(pairs)[:2])


def test_the_ensemble_has_its_own_figures(runs):
    (line,) = compare_runs(runs[-1:], of="ensemble").lines
    epochs = [entry["test"]["accuracy"]["ensemble"] for entry in runs[-1].metrics()]
    assert line.values["last"] == [epochs[-1]]
    assert line.values["best_oracle"] == [max(epochs)]


def test_tables(runs):
    found = compare_runs(runs)
    markdown = as_markdown(found)
    lines = markdown.splitlines()
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")
    assert lines[2].startswith("| CLC | 3 |")
    assert "| best |" in lines[2]
    assert "oracle" in lines[0]
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [row["runs"] for row in rows] == ["CLC", "ELR", "Standard"]
    assert float(rows[0]["last10_mean"]) == pytest.approx(found.lines[0].mean("last10"))
    assert rows[1]["last10_sd"] == ""
    plain = json.loads(as_json(found))
    assert plain["groups"][2]["last10"]["values"] == pytest.approx(found.lines[2].values["last10"])
    assert as_table(found).row_count == 3


def test_a_title_breaks_no_table(make_run):
    one, two = make_run(method="=cmd|x", epochs=4), make_run(method="standard", epochs=4)
    found = compare_runs([one, two])
    assert "\\|x" in as_markdown(found)
    cells = [row["runs"] for row in csv.DictReader(io.StringIO(as_csv(found)))]
    assert not any(cell.startswith("=") for cell in cells)


def test_warnings_where_runs_cannot_be_compared(make_run):
    base = make_run(epochs=4)
    assert compare_runs([base, make_run(method="standard", epochs=4)]).warnings == []
    other = make_run(method="standard", epochs=3, planned=7, rate=0.2, test_rows=30)
    environment = json.loads(other.file("environment.json").read_text())
    environment["sources"][0]["sha256"] = "f" * 64
    other.file("environment.json").write_text(json.dumps(environment))
    said = "\n".join(compare_runs([base, other]).warnings)
    for part in ("data", "noise", "epochs", "test rows"):
        assert f"the runs differ in their {part} (" in said
    for part in ("sha256 ffffffff", "symmetric 0.2", "has not ended: 3 of 7 epochs"):
        assert part in said


def test_same_seeds_with_other_data_are_no_repetitions(make_run):
    one, two = make_run(epochs=4), make_run(epochs=4)
    environment = json.loads(two.file("environment.json").read_text())
    two.file("environment.json").write_text(json.dumps(environment | {"run_id": "another"}))
    assert any("no repetitions" in sentence for sentence in compare_runs([one, two]).warnings)


def test_names_do_not_matter_for_grouping_but_settings_do(make_run):
    one, two = make_run(epochs=4), make_run(seed=1, epochs=4)
    recipe = yaml.safe_load(two.file("recipe.yaml").read_text())
    recipe["name"] = "another"
    two.file("recipe.yaml").write_text(yaml.safe_dump(recipe))
    assert len(compare_runs([one, two]).lines) == 1
    recipe["training"]["batch_size"] = 64
    two.file("recipe.yaml").write_text(yaml.safe_dump(recipe))
    found = compare_runs([one, two])
    assert {line.title for line in found.lines} == {"CLC (batch_size 16)", "CLC (batch_size 64)"}


def test_who_was_told_the_noise_rate_is_marked(make_run):
    one, two = make_run(epochs=4), make_run(method="co_teaching", epochs=4)
    recipe = yaml.safe_load(two.file("recipe.yaml").read_text())
    two.file("recipe.yaml").write_text(yaml.safe_dump(recipe | {"noise_rate": "true"}))
    markdown = as_markdown(compare_runs([one, two]))
    assert "| Co-teaching † | 1 |" in markdown
    assert "| CLC | 1 |" in markdown
    assert "† told the noise rate" in markdown


def test_bad_input(make_run):
    with refused(key="test rows"):
        compare_runs([make_run(epochs=4, test_rows=None)])
    with refused(key="peer"):
        compare_runs([make_run(epochs=4)], of="peer")
