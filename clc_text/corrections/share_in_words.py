"""How many labels are wrong, in words: by the two readings that people's labels lie between, or one number."""

from __future__ import annotations

from clc_text.artifacts.audit import AuditNoise
from clc_text.evidence.readings import Reading, likeliest


def unless_habits(ahead: float | None) -> str:
    """Nothing; or, where predictions alone explain held-out labels better than noise does (`NearNoise.ahead`), what
    the likeliest shares do not hold for: errors of a reader who always errs alike are learnt like classes. Of six sets
    that a language model labelled 5 to 22 % are wrong, and the mean doubt is 0.2 to 8 %."""
    return "" if ahead is None or ahead >= 0 else " unless errors are habits, which labels do not show"


def known_from_below(told_wrong: float | None, rule_like: object) -> bool:
    """Whether told shares of the classes say how many labels are wrong at least, and rules made the labels, of whose
    other errors nothing tells: the readings then lie close above the least, and the truth may be far above them (TREC
    by regular expressions, one share told: 34 to 36 % by all readings, 43 % wrong)."""
    return bool(told_wrong) and rule_like is not None


def wrong_in_words(noise: AuditNoise, rows: int) -> str:
    """ "between 10% and 30% of 5,000 labels are wrong, most likely 12% to 14%", or "at least" so many, or that
    nothing is known: then the rate is a fiction, unless told shares say how many it is at least."""
    if noise.get("nothing_learnt"):
        least = noise.get("told_wrong")
        told = f"of {rows:,} labels nothing is known"
        return f"{told}, but that by the shares told at least {least:.0%} are wrong" if least else told
    low, high = noise["interval"] or (noise["rate"], noise["rate"])
    if known_from_below(noise.get("told_wrong"), noise.get("rule_like")):
        return f"at least {low:.0%} of {rows:,} labels are wrong"
    return f"between {low:.0%} and {high:.0%} of {rows:,} labels are wrong, {likeliest_in_words(noise, 0)}"


def likeliest_in_words(noise: AuditNoise, digits: int) -> str:
    """ "most likely 1.5% to 4.6%" where views were read in both ways, else "about 3.1%", and for what that is told
    (`unless_habits`); digits: after the point."""
    readings = [Reading(**reading) for reading in noise.get("readings") or []]
    both = {"doubt", "half"} <= {reading.method for reading in readings}  # not of an earlier version
    low, high = (f"{share:.{digits}%}" for share in (likeliest(readings) if both else (noise["rate"], noise["rate"])))
    told = f"about {low}" if low == high else f"most likely {low} to {high}"
    return told + unless_habits(noise.get("ahead"))
