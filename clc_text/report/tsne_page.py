"""The interactive t-SNE page: hover or walk by keys over the rows, see their text and labels, copy their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from clc_text.analysis.maps import Maps, Panel
from clc_text.plots.style import class_colours
from clc_text.plots.tsne_figure import SHAPES
from clc_text.report.markup import rendered
from clc_text.report.page import asset, page, script
from clc_text.utils.shown import printable, printable_lines, without_controls

_TEXT_BYTES = 6_000_000  # of all texts together
_GRID = 10_000  # coordinates are whole numbers up to this


def tsne_page(maps: Maps) -> str:
    """The page's text."""
    title = printable(f"t-SNE of {' and '.join(dict.fromkeys(panel.run for panel in maps.panels))}")
    body = rendered("tsne.html", title=title, subject=maps.subject)
    return page(title, body, asset("tsne.css"), script("tsne.js"), page_data(maps))


def page_data(maps: Maps) -> dict[str, Any]:
    """What the page's script draws: rows and texts once for each run, coordinates for each panel.

    A browser obeys a direction mark in a class's name as a terminal does, so none gets here.
    """
    samples: list[dict[str, Any]] = []
    numbers: dict[int, int] = {}
    for panel in maps.panels:
        if id(panel.rows) not in numbers:
            numbers[id(panel.rows)] = len(samples)
            samples.append(_sample(panel, sum(len(other.rows.texts) for other in maps.panels)))
    return {
        "classes": [without_controls(name) for name in maps.label_names],
        "colours": list(class_colours(len(maps.label_names))),
        "shapes": len(SHAPES),
        "labellings": maps.labellings,
        "most": float(np.log(max(len(maps.label_names), 2))),
        "samples": samples,
        "panels": [
            {
                "title": without_controls(panel.title),
                "run": without_controls(panel.run),
                "sample": numbers[id(panel.rows)],
                "points": _whole(panel.map.points),
                "quality": panel.quality,
            }
            for panel in maps.panels
        ],
    }


def _sample(panel: Panel, texts: int) -> dict[str, Any]:
    longest = int(np.clip(_TEXT_BYTES // max(texts, 1), 80, 1000))
    rows = panel.rows
    return {
        "rows": rows.rows.tolist(),
        "texts": [printable_lines(text if len(text) <= longest else text[: longest - 1] + "…") for text in rows.texts],
        "entropy": rows.entropy.round(3).tolist(),
        "labels": {name: values.tolist() for name, values in rows.labels.items()}
        | {"predicted": rows.predicted.tolist()},
    }


def _whole(points: np.ndarray) -> list[int]:
    """x and y in turn, as whole numbers from 0 to `_GRID`, y downwards as a screen has it; both to the same scale."""
    middle = (points.max(0) + points.min(0)) / 2
    span = max(float(np.ptp(points, axis=0).max()), 1e-9)
    placed = (points - middle) / span * np.array([1, -1]) + 0.5
    flat: list[int] = (placed * _GRID).round().astype(int).ravel().tolist()
    return flat
