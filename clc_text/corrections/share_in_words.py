"""How many labels are wrong, in words: by the two readings that people's labels lie between, or one number."""

from __future__ import annotations

from clc_text.artifacts.audit import AuditNoise
from clc_text.evidence.readings import Reading, likeliest


def likeliest_in_words(noise: AuditNoise, digits: int) -> str:
    """ "most likely 1.5% to 4.6%" where views were read in both ways, else "about 3.1%"; digits: after the point."""
    readings = [Reading(**reading) for reading in noise.get("readings") or []]
    both = {"doubt", "half"} <= {reading.method for reading in readings}  # not of an earlier version
    low, high = (f"{share:.{digits}%}" for share in (likeliest(readings) if both else (noise["rate"], noise["rate"])))
    return f"about {low}" if low == high else f"most likely {low} to {high}"
