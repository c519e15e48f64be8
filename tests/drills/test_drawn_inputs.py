"""Whatever stands in a recipe or behind a command's option: it is taken, or refused in one sentence."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random

import pytest
import yaml
from drawn_inputs import (
    GOOD,
    Option,
    alternatives,
    any_value,
    commands,
    drawn_arguments,
    drawn_recipe,
    options,
    outside,
    recipe_with,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clc_text.cli import main
from clc_text.config.recipe import from_dict, from_tree, loads
from clc_text.config.recipe_text import explain
from clc_text.config.typed_yaml import parse_yaml
from clc_text.errors import InputError

ALL = list(options())
SETTINGS = settings(
    max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
draws = st.randoms(use_true_random=False, note_method_calls=False)


def named(found: tuple[str, Option]) -> str:
    return f"{found[0]}-{found[1].part or 'recipe'}-{found[1].key}"


def is_one_sentence(told: str) -> bool:
    return told.isprintable() and 10 < len(told) < 2_100


@pytest.mark.parametrize("found", ALL, ids=named)
def test_what_a_declaration_forbids_is_refused_by_the_option_s_name(found: tuple[str, Option]) -> None:
    modality, option = found
    for seed in range(3):
        for value in outside(Random(seed), option):
            with pytest.raises(InputError) as caught:
                from_dict(recipe_with(option, value, modality))
            assert option.key in str(caught.value), value


@pytest.mark.parametrize("found", ALL, ids=named)
def test_every_number_has_two_ends(found: tuple[str, Option]) -> None:
    """What has none declared is held between -2³¹ and 2³¹ where it is whole, and finite where it is not."""
    _, option = found
    kinds = alternatives(option.kind)
    if not {int, float} & set(kinds):
        return
    for value in (10**12, -(10**12)) if int in kinds and float not in kinds else (float("nan"), float("inf")):
        with pytest.raises(InputError):
            from_dict(recipe_with(option, value, found[0]))


@SETTINGS
@given(draws)
def test_a_recipe_of_anything_is_taken_or_refused(draw: Random) -> None:
    modality = draw.choice(("text", "text", "vision"))
    plain = drawn_recipe(draw, modality, [option for room, option in ALL if room == modality])
    try:
        recipe = from_dict(plain)
    except InputError as error:
        assert is_one_sentence(str(error)) or "\ud800" in str(plain), str(error)
        return
    assert loads(recipe.dump()) == recipe
    assert loads(explain(recipe)) == recipe
    assert recipe.dump().replace("\n", "").isprintable()


# Commands that train, or that need a network or a server to do anything.
SLOW = {"train", "sweep", "noise estimate", "correct", "audit", "tsne", "report", "push"}


COMMANDS = {name: command for name, command in commands().items() if name not in SLOW}


def run_main(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    """As the command line runs it; whatever is raised but an exit is a traceback there."""
    monkeypatch.setattr(sys, "argv", ["clc-text", *arguments])
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


def of_the_run(run: Path) -> set[Path]:
    """Its files but those that commands make again."""
    made = {".cache", "figures", "look_first.csv", "over.pdf"}
    return {path for path in run.rglob("*") if not made & set(path.relative_to(run).parts)}


# What `clean` takes it trains on.
@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow) if one == "clean" else one for one in COMMANDS]
)
def test_a_command_takes_or_refuses_whatever_it_is_given(
    name: str, tiny_run: Path, tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "rows.csv").write_text("text,label\nWho ?,HUM\n")
    paths = [str(tiny_run), str(tiny_recipe), "rows.csv", "missing", ".", "missing/x.csv"]
    before = of_the_run(tiny_run)

    @settings(SETTINGS, max_examples=8)
    @given(draws)
    def check(draw: Random) -> None:
        arguments = [*name.split(), *drawn_arguments(draw, COMMANDS[name], paths)]
        files = sorted(path for path in tmp_path.rglob("*"))
        code, out, err = run_main(arguments, monkeypatch)
        assert code in (0, 2), (arguments, err)
        assert all(line.isprintable() for line in out.split("\n")), arguments
        if code == 2:
            assert err.strip(), arguments
            assert sorted(path for path in tmp_path.rglob("*")) == files, arguments
        assert not list(tmp_path.rglob("*.part")), arguments

    check()
    assert of_the_run(tiny_run) == before


@SETTINGS
@given(draws, st.sampled_from(ALL))
def test_one_option_by_the_command_line(draw: Random, found: tuple[str, Option]) -> None:
    """As ``--set key=value``, with the value as a person writes it, which may be no YAML at all."""
    modality, option = found
    value = str(any_value(draw, option))
    try:
        tree = parse_yaml(yaml.safe_dump(GOOD[modality]), "r.yaml", "recipe")
        recipe = from_tree(tree, [f"{option.key}={value}"])
    except InputError as error:
        assert len(str(error)) < 2_100
        return
    assert loads(recipe.dump()) == recipe
