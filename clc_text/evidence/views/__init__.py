"""Views of a row, one file each; `VIEWS` has them all."""

from __future__ import annotations

from clc_text.evidence.views.base import View
from clc_text.evidence.views.discriminant import discriminant
from clc_text.evidence.views.linear import linear
from clc_text.evidence.views.neighbours import neighbours

VIEWS: dict[str, View] = {"linear": linear, "discriminant": discriminant, "neighbours": neighbours}
