"""The picture of recipes/results/find_wrong_rows.md: ``python -m benchmarks.ranking_picture`` draws it anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent.parent / "recipes" / "results"
PAGE, PICTURE = RESULTS / "find_wrong_rows.md", RESULTS / "find_wrong_rows.png"
HEADS = ("set", "cleanlab", "its words", "mixture", "right", "default")


@dataclass(frozen=True)
class Line:
    """A set of the page: average precisions of the ranking, and labels right as given and after both relabellings."""

    name: str
    cleanlab: float
    words: float
    mixture: float
    deviation: float
    given: float
    relabelled: float
    default: float


def lines(page: str) -> list[Line]:
    """The sets of the page's first table that have wrong labels."""
    found = []
    table = [line for line in page.splitlines() if line.startswith("|")]
    heads = [head.strip() for head in table[0].strip("|").split("|")]
    first = {head: heads.index(head) for head in (*HEADS, "`default`") if head in heads}
    for line in table[2:]:
        cells = [cell.strip().replace("*", "") for cell in line.strip("|").split("|")]
        if len(cells) != len(heads):
            break
        if not cells[first["cleanlab"]]:
            continue
        mixture, _, deviation = cells[first["mixture"]].partition(" ± ")
        right = first["right"]
        found.append(
            Line(
                cells[0],
                float(cells[first["cleanlab"]]),
                float(cells[first["its words"]]),
                float(mixture),
                float(deviation),
                float(cells[right]),
                float(cells[right + 1]),
                float(cells[first["`default`"]]),
            )
        )
    return found


def draw(found: list[Line], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ordered = sorted(found, key=lambda line: line.mixture)
    picture, axes = plt.subplots(figsize=(7.2, 0.27 * len(ordered) + 0.9), layout="constrained")
    places = range(len(ordered))
    for place, line in zip(places, ordered, strict=True):
        behind = max(line.cleanlab, line.words)
        axes.plot([behind, line.mixture], [place, place], color="#c8c8c8", linewidth=1.2, zorder=1)
    means, deviations = ([getattr(line, name) for line in ordered] for name in ("mixture", "deviation"))
    ours = "clc_text, ± deviation of 2 seeds"
    axes.errorbar(means, places, xerr=deviations, fmt="o", color="#0b6e4f", markersize=5.5, elinewidth=1, label=ours)
    axes.scatter(
        [line.cleanlab for line in ordered], places, marker="s", s=22, color="#c1440e",
        label="best of four cleanlab variants, chosen by the truth", zorder=2,
    )  # fmt: skip
    axes.scatter(
        [line.words for line in ordered], places, marker="|", s=55, color="#7a7a7a", linewidth=1.6,
        label="cleanlab on TF-IDF words, likewise", zorder=2,
    )  # fmt: skip
    axes.set_yticks(list(places), [line.name for line in ordered], fontsize=8)
    axes.set_xlabel("average precision of the ranking of wrong rows", fontsize=9)
    axes.set_xlim(0, 1)
    axes.grid(axis="x", color="#ececec", zorder=0)
    axes.tick_params(length=0, labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.legend(loc="upper left", fontsize=8, frameon=True, framealpha=0.95, edgecolor="none")
    picture.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(picture)


if __name__ == "__main__":
    draw(lines(PAGE.read_text(encoding="utf-8")), PICTURE)
