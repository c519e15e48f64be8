"""A sweep's file: which cells it gives, in which order, and how its mistakes are named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from refusals import refused

from clc_text.config.recipe import load
from clc_text.errors import InputError
from clc_text.sweep.grid import part_of, read_sweep


def test_cells_their_order_and_their_recipes(tiny_sweep: Path) -> None:
    sweep, cells = read_sweep(tiny_sweep)
    assert sweep.seeds == [3, 5]
    assert [cell.path for cell in cells] == [
        "tiny/plain/seed-3", "tiny/clc/seed-3", "other/plain/seed-3", "other/clc/seed-3",
        "tiny/plain/seed-5", "tiny/clc/seed-5", "other/plain/seed-5", "other/clc/seed-5",
    ]  # fmt: skip
    for cell in cells:
        seeds = cell.resolved.seeds
        assert (seeds.data, seeds.noise, seeds.network) == (cell.seed,) * 3
        assert cell.resolved.name == cell.recipe == cell.path.split("/")[0]
        assert cell.resolved.training.epochs == 3
        assert not cell.resolved.keep_data
    assert [cell.resolved.method.name for cell in cells[:2]] == ["standard", "clc"]
    assert cells[1].resolved.method.alpha == 0.2
    assert cells[1].resolved.method.warmup_epochs == 2  # what a variant does not change stays as the recipe has it
    assert cells[0].resolved.method.warmup_epochs == 0  # another method forgets the options of the one before
    assert [cell.resolved.noise.name for cell in cells[:4:2]] == ["symmetric", "pairwise"]


def test_a_cell_is_the_recipe_with_overrides(tiny_sweep: Path) -> None:
    _, cells = read_sweep(tiny_sweep)
    by_hand = load(
        tiny_sweep.parent / "tiny.yaml",
        [
            "method.alpha=0.2",
            "training.epochs=3",
            "seeds.data=3",
            "seeds.noise=3",
            "seeds.network=3",
            "keep_data=false",
        ],
    )
    assert cells[1].resolved == by_hand


def test_names_of_parts_come_before_their_options_and_variants_before_the_rest(tiny_recipe: Path) -> None:
    path = tiny_recipe.parent / "sweep.yaml"
    path.write_text(
        "recipes: [tiny.yaml]\n"
        "set: {method.warmup_epochs: 4, training.epochs: 9}\n"
        "variants:\n"
        "  a: {method.ramp_epochs: 7, method.name: co_teaching, noise_rate: true, training.epochs: 8}\n"
        "  b: {method: slc}\n"
    )
    _, cells = read_sweep(path)
    first, second = (cell.resolved for cell in cells)
    assert (first.method.name, first.method.ramp_epochs, first.method.warmup_epochs) == ("co_teaching", 7, 4)
    assert (first.noise_rate, first.training.epochs) == ("true", 8)
    assert (second.method.name, second.training.epochs) == ("slc", 9)


def test_seeds_that_a_variant_or_all_cells_set_are_not_overwritten(tiny_recipe: Path) -> None:
    """So networks are compared on the same flipped labels."""
    path = tiny_recipe.parent / "sweep.yaml"
    path.write_text(
        "recipes: [tiny.yaml]\nseeds: [3, 5]\nset: {seeds.noise: 77}\n"
        "variants:\n  a: {}\n  b: {seeds.noise: 8}\n  c: {seeds: {data: 9}}\n"
    )
    _, cells = read_sweep(path)
    found = {cell.path: (seeds.data, seeds.noise, seeds.network) for cell in cells if (seeds := cell.resolved.seeds)}
    assert found == {
        "tiny/a/seed-3": (3, 77, 3), "tiny/b/seed-3": (3, 8, 3), "tiny/c/seed-3": (9, 77, 3),
        "tiny/a/seed-5": (5, 77, 5), "tiny/b/seed-5": (5, 8, 5), "tiny/c/seed-5": (9, 77, 5),
    }  # fmt: skip
    assert len({cell.resolved.fingerprint() for cell in cells}) == len(cells)
    path.write_text("recipes: [tiny.yaml]\nseeds: [4]\nset: {seeds: {data: 1, noise: 2, network: 3}}\n")
    [cell] = read_sweep(path)[1]
    assert (cell.path, cell.resolved.seeds.network) == ("tiny/as_written/seed-4", 3)


def test_without_variants_and_seeds_the_recipe_runs_as_written(tiny_recipe: Path) -> None:
    path = tiny_recipe.parent / "sweep.yaml"
    path.write_text("recipes: [tiny.yaml]\n")
    _, [cell] = read_sweep(path)
    assert cell.path == "tiny/as_written/seed-0"
    assert cell.resolved == load(tiny_recipe)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("recipes: []\n", "{file}:1: 'recipes' is empty"),
        ("seeds: [0]\n", "{file}:1: 'sweep.recipes' is missing"),
        ("recipes: [tiny.yaml, tiny.yaml]\n", "{file}:1: 'recipes' names one of them twice"),
        ("recipes: [tiny.yaml, deeper/tiny.yaml]\n", "{file}:1: two recipes are called tiny.yaml"),
        ("recipes: [tinny.yaml]\n", "there is no recipe {folder}/tinny.yaml; did you mean '{folder}/tiny.yaml'?"),
        ("recipes: [tiny.yaml]\nseed: [1]\n", "{file}:2: unknown key 'sweep.seed'; did you mean 'seeds'?"),
        ("recipes: [tiny.yaml]\nseeds: [1, 1]\n", "{file}:2: 'seeds' names one of them twice"),
        ("recipes: [tiny.yaml]\nseeds: [-1]\n", "{file}:2: seeds.data is -1"),
        ("recipes: [tiny.yaml]\nseeds: [a]\n", "{file}:2: 'sweep.seeds[0]' must be a whole number, not 'a'"),
        ("recipes: [tiny.yaml]\nvariants:\n  ../x: {}\n", "{file}:1: the variant '../x' names a folder"),
        ("recipes: [tiny.yaml]\nvariants:\n  x: clc\n", "{file}:3: 'sweep.variants.x' must be a section"),
        ("recipes: [tiny.yaml]\nvariants:\n  x: {}\n  x: {}\n", "{file}:4: the key 'x' stands here twice"),
        (
            "recipes: [tiny.yaml]\nvariants:\n  x: {method.alhpa: 1}\n",
            "{file}:3: unknown key 'method.alhpa'; did you mean 'alpha'?",
        ),
        (
            "recipes: [tiny.yaml]\nset:\n  training.epochs: many\n",
            "{file}:3: 'training.epochs' must be a whole number, not 'many'",
        ),
        (
            "recipes: [tiny.yaml]\nset: {peers.x: 1}\n",
            "{file}:2: 'peers' must be a whole number or null, not a section",
        ),
        (
            "recipes: [tiny.yaml]\nset: {name: other}\n",
            "{file}:2: a sweep calls its runs by their recipes' files; leave 'name' out",
        ),
        (
            "recipes: [tiny.yaml]\nseeds: [0, 1]\nvariants:\n  x: {seeds: {data: 1, noise: 1, network: 1}}\n",
            "{file}:4: the variant 'x' has all three seeds set, so its cells of the 2 seeds would be one run",
        ),
        ("- tiny.yaml\n", "{file}: a sweep is a list of `key: value` lines"),
        ("recipes: [tiny.yaml]\nname: ../../etc\n", "{file}:1: the name '../../etc' must be made of letters"),
    ],
)
def test_a_mistake_is_named_with_its_place(tiny_recipe: Path, text: str, expected: str) -> None:
    path = tiny_recipe.parent / "sweep.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_sweep(path)
    assert str(caught.value).startswith(expected.format(file=path, folder=path.parent))


def test_no_sweep(tmp_path: Path) -> None:
    with refused(where=tmp_path / "nowhere.yaml"):
        read_sweep(tmp_path / "nowhere.yaml")


def test_parts_hold_every_cell_once(tiny_sweep: Path) -> None:
    _, cells = read_sweep(tiny_sweep)
    parts = [part_of(cells, f"{number}/3") for number in (1, 2, 3)]
    assert sorted(cell.path for part in parts for cell in part) == sorted(cell.path for cell in cells)
    assert [len(part) for part in parts] == [3, 3, 2]
    assert part_of(cells, None) == cells
    assert [len(part_of(cells, f"{number}/8")) for number in range(1, 9)] == [1] * 8
    with refused(key="--part"):
        part_of(cells, "9/9")
    for wrong in ("0/3", "4/3", "2", "a/b", "1/0", "-1/2", "1/3/5"):
        with refused(key="--part"):
            part_of(cells, wrong)


def test_parts_have_equally_many_cells_of_each_variant(recipes: Path) -> None:
    """A variant may take ten times as long as another; a stride over the cells gave part 8 five of table4's ten."""
    _, cells = read_sweep(recipes / "sweeps" / "table4.yaml")
    for number in range(1, 9):
        part = part_of(cells, f"{number}/8")
        assert set(Counter(cell.variant for cell in part).values()) == {4}
        assert len({(cell.recipe, cell.seed) for cell in part}) > 10  # nor always the same ones of the variants
        assert part == [cell for cell in cells if cell in part]  # one seed of everything still comes first


def test_parts_are_the_same_on_every_machine(tiny_sweep: Path) -> None:
    _, cells = read_sweep(tiny_sweep)
    assert [[cell.path for cell in part_of(cells, f"{number}/3")] for number in (1, 2, 3)] == [
        ["tiny/clc/seed-3", "tiny/plain/seed-5", "other/clc/seed-5"],
        ["tiny/plain/seed-3", "other/plain/seed-3", "other/clc/seed-3"],
        ["tiny/clc/seed-5", "other/plain/seed-5"],
    ]  # fmt: skip


def test_the_sweeps_of_the_project_are_read(recipes: Path) -> None:
    for path in (recipes / "sweeps").glob("*.yaml"):
        _, cells = read_sweep(path)
        assert len({cell.resolved.fingerprint() for cell in cells}) == len(cells), path


@pytest.mark.parametrize(
    ("name", "seeds", "methods"),
    [("table4_paper", 5, 10), ("table4_paper_news", 3, 10), ("table4_paper_news_trained", 3, 10)],
)
def test_the_paper_s_setting_holds_in_every_cell(name: str, seeds: int, methods: int) -> None:
    """A variant names another method, which forgets the options of the recipe's: the warm-up must not be lost."""
    _, cells = read_sweep(Path(__file__).parents[2] / "recipes" / "sweeps" / f"{name}.yaml")
    assert len(cells) == 4 * seeds * methods
    assert {cell.variant for cell in cells} >= {
        "standard", "bootstrap", "forward", "decouple", "mentornet", "co_teaching", "co_distillation", "clc", "slc"
    }  # fmt: skip
    for cell in cells:
        recipe = cell.resolved
        training = (recipe.training.learning_rate, recipe.training.epochs, recipe.training.batch_size)
        assert training == (1e-3, 200, 128)
        assert recipe.network.hidden == [300, 300]
        assert recipe.method.warmup_epochs == (0 if cell.variant == "clc_auto" else 10)
        assert getattr(recipe.method, "ramp_from", "warmup_end") == "warmup_end"
