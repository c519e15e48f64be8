"""Recipes: what is read, and what a mistake is told."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest
from refusals import refused
from transformers import TrainingArguments

from clc_text.config.recipe import Recipe, Training, from_dict, load, loads
from clc_text.config.recipe_text import explain
from clc_text.errors import InputError

GOOD = """\
data:
  name: quickstart
  rows: 100
noise:
  name: symmetric
  rate: 0.5
training:
  epochs: 3
  learning_rate: 3e-4
"""


def complaint(text: str, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        loads(text, "some.yaml", overrides)
    return str(caught.value)


def test_values_types_and_defaults() -> None:
    recipe = loads(GOOD)
    assert recipe.data.rows == 100
    assert recipe.noise.rate == 0.5
    assert recipe.training.learning_rate == 3e-4  # YAML 1.1 would read a string
    assert recipe.method.name == "clc_auto"
    assert recipe.num_peers == 2
    assert (recipe.seeds.data, recipe.seeds.noise, recipe.seeds.network) == (0, 0, 0)


def test_a_whole_number_serves_where_a_number_is_wanted() -> None:
    assert loads(GOOD, overrides=["noise.rate=0", "training.weight_decay=1"]).training.weight_decay == 1.0


@pytest.mark.parametrize(
    ("text", "where", "key"),
    [
        (GOOD + "sedes: {data: 1}\n", "some.yaml:10", "sedes"),
        (GOOD.replace("epochs", "epoch"), "some.yaml:8", "training.epoch"),
        (GOOD.replace("epochs: 3", "epochs: many"), "some.yaml:8", "training.epochs"),
        (GOOD.replace("epochs: 3", "epochs: 2.5"), "some.yaml:8", "training.epochs"),
        (GOOD.replace("epochs: 3", "epochs: true"), "some.yaml:8", "training.epochs"),
        (GOOD.replace("epochs: 3", "epochs: 0"), "some.yaml:8", "training.epochs"),
        (GOOD.replace("epochs: 3", "epochs: [3]"), "some.yaml:8", "training.epochs"),
        (GOOD.replace("symmetric", "symetric"), "some.yaml:5", "noise.name"),
        (GOOD.replace("0.5", "1.0"), "some.yaml:6", "noise.rate"),
        (GOOD + "method: {name: clc, criterion: entropie}\n", "some.yaml:10", "method.criterion"),
        (GOOD + "noise: {name: none}\n", "some.yaml:10", "noise"),
        ("noise: {name: none}\n", "some.yaml:1", "data"),
        ("data: {rows: 3}\n", "some.yaml:1", "data"),
        ("data: [1, 2]\n", "some.yaml:1", "data"),
        ("- 1\n", "some.yaml", None),
        ("", "some.yaml", "data"),
        ("data: {name: quickstart\n", "some.yaml:2", None),
        ("data: &a {name: quickstart}\nnoise: *a\n", "some.yaml:2", None),
        ("data: !!python/object/apply:os.system ['true']\n", "some.yaml:1", None),
        ("data: {name: !!python/name:os.system x}\n", "some.yaml:1", None),
        (GOOD + "peers: 0\n", "some.yaml:10", "peers"),
        (GOOD + "canaries: 0.5\n", "some.yaml:10", "canaries"),
        (GOOD + "noise_rate: guess\n", "some.yaml:10", "noise_rate"),
        (GOOD + "noise_rate: 1.5\n", "some.yaml:10", "noise_rate"),
        (GOOD + "seeds: {noise: -1}\n", "some.yaml:10", "seeds.noise"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, where: str, key: str | None) -> None:
    with pytest.raises(InputError) as caught:
        loads(text, "some.yaml")
    assert (caught.value.where, caught.value.key) == (where, key)
    assert str(caught.value).startswith(f"{where}: ") and (key or "") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("epochs", "epoch"), "some.yaml:8: unknown key 'training.epoch'; did you mean 'epochs'?"),
        (GOOD.replace(": 3", ": many"), "some.yaml:8: 'training.epochs' must be a whole number, not 'many'"),
        (GOOD.replace("epochs: 3", "epochs: 0"), "some.yaml:8: training.epochs is 0; give at least 1"),
        (GOOD.replace("symmetric", "symetric"), "some.yaml:5: noise.name: there is no noise 'symetric'; did you mean"),
        ("noise: {name: none}\n", "some.yaml:1: the section 'data' is missing"),
        ("data: !!python/object/apply:os.system ['true']\n", "some.yaml:1: not valid YAML (the tag"),
    ],
    ids=["unknown", "type", "limit", "part", "missing", "yaml"],
)
def test_what_a_mistake_of_each_kind_is_told_in(text: str, said: str) -> None:
    assert said in complaint(text)


def test_nesting_too_deep_is_a_sentence() -> None:
    assert "nested too deeply" in complaint("a: " + "[" * 700 + "]" * 700)


def test_noise_rate_takes_true_estimate_and_numbers() -> None:
    assert loads(GOOD + "noise_rate: true\n").noise_rate == "true"
    assert loads(GOOD + "noise_rate: estimate\n").noise_rate == "estimate"
    assert loads(GOOD + "noise_rate: 0.3\n").noise_rate == 0.3
    assert loads(GOOD).noise_rate is None


def test_an_unquoted_off_is_off() -> None:
    assert loads(GOOD + "monitor: off\n").monitor == "off"
    assert loads(GOOD, overrides=["monitor=off"]).monitor == "off"


def test_overrides_replace_and_add_keys() -> None:
    recipe = loads(GOOD, overrides=["training.epochs=7", "method.alpha=0.2", "seeds.noise=5", "network.hidden=[8]"])
    assert recipe.training.epochs == 7
    assert recipe.method.alpha == 0.2
    assert recipe.seeds.noise == 5
    assert recipe.network.hidden == [8]


def test_another_part_forgets_the_options_of_the_one_before() -> None:
    assert loads(GOOD, overrides=["noise.name=none"]).noise.name == "none"
    assert loads(GOOD, overrides=["noise=none"]).noise.name == "none"


def test_the_order_of_overrides_does_not_matter() -> None:
    named, rows, seed = "data.name=quickstart", "data.rows=70", "seeds.data=5"
    recipes = [loads(GOOD, overrides=list(order)) for order in itertools.permutations([named, rows, seed])]
    assert {(recipe.data.name, recipe.data.rows, recipe.seeds.data) for recipe in recipes} == {("quickstart", 70, 5)}
    with refused(where="--set noise=none", key="noise", says="earlier --set"):
        loads(GOOD, overrides=["noise.rate=0.3", "noise=none"])


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("training.epochs", "--set training.epochs: write it as --set section.key=value"),
        ("training.epohcs=3", "--set training.epohcs=3: unknown key 'training.epohcs'; did you mean 'epochs'?"),
        ("training.epochs=x", "--set training.epochs=x: 'training.epochs' must be a whole number"),
        ("name.more=1", "--set name.more=1"),
        ("training.epochs=[", "the value is not valid YAML"),
    ],
)
def test_a_wrong_override_is_named(override: str, expected: str) -> None:
    assert expected in complaint(GOOD + "name: x\n", override)


def test_a_recipe_is_the_same_after_a_round_trip() -> None:
    recipe = loads(GOOD + "name: x\n")
    assert from_dict(recipe.to_dict()) == recipe
    assert loads(recipe.dump()) == recipe
    assert loads(explain(recipe)) == recipe


def test_the_fingerprint_follows_what_can_change_a_result() -> None:
    recipe = loads(GOOD)
    assert loads(GOOD, overrides=["name=other", "training.threads=2"]).fingerprint() == recipe.fingerprint()
    assert loads(GOOD, overrides=["seeds.network=1"]).fingerprint() != recipe.fingerprint()


def test_every_recipe_of_the_project_is_read_and_explained(recipes: Path) -> None:
    found = [path for path in sorted(recipes.rglob("*.yaml")) if "sweeps" not in path.parts]
    assert found
    for path in found:
        recipe = load(path)
        assert isinstance(recipe, Recipe)
        assert recipe.name == path.stem or recipe.name
        assert loads(explain(recipe)) == recipe, path
        assert path.read_text().startswith("# "), f"{path} does not say in its first line what it is"


def test_a_missing_recipe_names_the_nearest(recipes: Path) -> None:
    with refused(where=recipes / "quikstart.yaml"):
        load(recipes / "quikstart.yaml")


@pytest.mark.parametrize("name", ["tickets.csv", "tickets.JSONL", "tickets.parquet"])
def test_a_table_in_place_of_a_recipe_is_told_how_to_get_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"text,label\nhello: there,b\n")
    with refused(where=tmp_path / name) as caught:
        load(tmp_path / name)
    assert f"clc-text init {tmp_path / name}" in str(caught.value)


@pytest.mark.parametrize("written", ['"\\ud800"', '"a\\0b"'])
def test_a_text_that_nothing_can_print_is_refused(written: str) -> None:
    told = complaint(GOOD + f"name: {written}\n")
    assert "some.yaml:10: name holds a zero character or half a character" in told
    assert told.isprintable()


def test_texts_are_read_as_they_are_written_where_texts_are_meant() -> None:
    words = ["yes", "no", "NO", "on", "off", "1", "007", "1e3", "1.50", "2020-01-01", "12:30", "0x1F", "=", "<<"]
    listed = loads(f"data: {{name: files, train: x.csv, label_names: [{', '.join(words)}]}}\n")
    assert listed.data.label_names == words
    assert loads(listed.dump()) == listed
    mapped = loads(
        GOOD + "method: standard\n", overrides=["noise={name: asymmetric, rate: 0.1, map: {no: yes, 1: on}}"]
    )
    assert mapped.noise.map == {"no": "yes", "1": "on"}


def test_an_item_that_is_no_text_is_named_by_itself() -> None:
    told = complaint("data: {name: files, train: x.csv, label_names: [yes, null]}\n")
    assert "'data.label_names[1]' must be a text, not null; put quotes around it" in told


@pytest.mark.parametrize("opened", ["[", "{a: ", "- ", "? "])
def test_depth_and_size_are_looked_at_before_anything_is_made_of_a_text(opened: str) -> None:
    for text in ("a: " + opened * 5_000, opened * 5_000):
        assert "nested too deeply" in complaint(text) or "not valid YAML" in complaint(text)
    assert "larger than 1 MiB" in complaint("# " + "x" * (1 << 20))


def test_an_override_is_held_to_the_same_depth_and_told_shortly() -> None:
    told = complaint(GOOD, "name=" + "[" * 3_000)
    assert "nested too deeply" in told
    assert len(told) < 300


def test_a_number_of_a_thousand_digits_is_a_sentence() -> None:
    assert "a number of 5,000 digits" in complaint(GOOD + f"peers: {'9' * 5_000}\n")
    assert "training.epochs is a number of 391 digits; give at most" in complaint(
        GOOD, f"training.epochs=1{'0' * 390}"
    )


def test_a_pipe_is_no_recipe(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.yaml")
    with refused(where=tmp_path / "pipe.yaml"):
        load(tmp_path / "pipe.yaml")


def test_what_a_reader_is_shown_is_printable_and_a_recipe_again() -> None:
    recipe = loads('data: {name: files, train: "a\\u202e\\u2028\\e b é.csv", label_names: ["\\x9b", "no", "a\\nb"]}\n')
    for text in (explain(recipe), recipe.dump()):
        assert all(line.isprintable() for line in text.split("\n"))
        assert loads(text) == recipe


def test_a_fingerprint_that_an_earlier_version_wrote_down_holds() -> None:
    """Sweeps compare theirs with that of the recipe as it is read now, which may have more options."""
    recipe = loads(GOOD)
    assert recipe.fingerprint() == "e0b30eb12b0c7367fb2c59db19a61eb0609c0f1bb880c8cfeaba15e6208e9850"
    assert loads(GOOD, overrides=["training.report_to=[tensorboard]"]).fingerprint() == recipe.fingerprint()
    assert loads(GOOD, overrides=["training.max_steps=7"]).fingerprint() != recipe.fingerprint()


def test_rounds_left_open_are_three_by_fingerprint_where_they_are_three() -> None:
    def fingerprints(encoder: str) -> set[str]:
        """Of rounds that are left open, of 2 and of 3."""
        chosen = [[], ["method.fold_rounds=2"], ["method.fold_rounds=3"]]
        auto = ["method={name: clc_auto}", f"encoder={{name: {encoder}}}"]
        return {loads(GOOD, overrides=[*auto, *more]).fingerprint() for more in chosen}

    assert len(fingerprints("word_vectors")) == len(fingerprints("tfidf")) == 2
    assert len(fingerprints("sentence")) == len(fingerprints("auto")) == 3


def test_what_a_user_of_trainer_knows_is_held_to_limits() -> None:
    assert "training.report_to is 'nobody'" in complaint(GOOD + "  report_to: [nobody]\n")
    assert "training.max_steps is 0; give at least 1" in complaint(GOOD + "  max_steps: 0\n")
    assert "training.decay_from_epoch" in complaint(GOOD + "  max_steps: 7\n  decay_from_epoch: 1\n")


@pytest.mark.parametrize("key", Training.others)
def test_what_trainer_knows_and_a_recipe_has_elsewhere_is_said(key: str) -> None:
    with refused(where="recipe:10", key=f"training.{key}") as found:
        loads(GOOD + f"  {key}: 1\n")
    assert str(found.value).endswith(Training.others[key])


def test_every_other_option_of_trainer_is_said_to_be_one() -> None:
    ours = {each.name for each in dataclasses.fields(Training)} | Training.arguments().keys() | Training.others.keys()
    theirs = {each.name for each in dataclasses.fields(TrainingArguments) if each.init} | {"group_by_length"}
    assert len(theirs - ours) > 50
    for key in sorted(theirs - ours):
        with refused(where="recipe:10", key=f"training.{key}", says="train in a script"):
            loads(GOOD + f"  {key}: 1\n")
    with refused(where="recipe:10", key="training.epochz", says="did you mean 'epochs'"):
        loads(GOOD + "  epochz: 1\n")


@pytest.mark.parametrize(
    ("line", "key"),
    [("max_steps: 0", "max_steps"), ("report_to: [nobody]", "report_to"), ("class_weights: [1, -1]", "class_weights"),
     ("per_device_eval_batch_size: 0", "eval_batch_size"), ("decay_from_epoch: 9999", "decay_from_epoch")],
)  # fmt: skip
def test_a_value_out_of_limits_is_told_with_its_own_line(line: str, key: str) -> None:
    with refused(where="recipe:10", key=f"training.{key}"):
        loads(GOOD + f"  {line}\n")
    with refused(where="--set training.max_steps=0", key="training.max_steps"):
        loads(GOOD, overrides=["training.max_steps=0"])


def test_options_may_have_the_names_that_trainer_knows() -> None:
    other = GOOD.replace("epochs", "num_train_epochs") + "  per_device_train_batch_size: 32\n"
    assert loads(other) == loads(GOOD + "  batch_size: 32\n")
    assert loads(loads(other).dump()) == loads(other)
    for twice in (GOOD + "  num_train_epochs: 4\n", GOOD.replace("epochs: 3", "num_train_epochs: 3\n  epochs: 4")):
        said = complaint(twice)
        assert "training.num_train_epochs is another name of training.epochs" in said
    assert "'training.num_train_epoch'" in complaint(GOOD + "  num_train_epoch: 4\n")


@pytest.mark.parametrize("names", [("epochs", "num_train_epochs"), ("num_train_epochs", "epochs")])
def test_of_two_names_for_an_option_that_of_the_command_line_goes_first(names: tuple[str, str]) -> None:
    there, told = names
    text = GOOD.replace("epochs", there)
    assert loads(text, overrides=[f"training.{told}=7"]).training.epochs == 7
    assert loads("guard: off\n" + GOOD, overrides=["monitor=warn"]).monitor == "warn"
    with refused(key="training.num_train_epochs"):
        loads(text, overrides=["training.epochs=7", "training.num_train_epochs=8"])
