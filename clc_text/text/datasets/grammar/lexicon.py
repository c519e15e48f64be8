"""The words that fill a template's slots.

Every list has a multiple of ten different entries: `generate` keeps training and test questions apart by the sum of
the places of a question's words, modulo ten.
"""

from __future__ import annotations

from itertools import product

PARTITIONS = 10


def _words(text: str) -> list[str]:
    return text.split()


_HEADS = _words("Bar Cal Dor Fen Gar Hol Kel Lan Mor Nor Pel Ros San Tor Ver Wen Hal Bren Mar Del")


def _names(endings: str) -> list[str]:
    return [head + ending for head, ending in product(_HEADS, _words(endings))]


LEXICON: dict[str, list[str]] = {
    "first": _words(
        "Anna Ben Clara David Emma Felix Grace Henry Iris Jack Karen Louis Maria Nathan Olga Peter Quinn Ruth Simon "
        "Tessa Ulrich Vera Walter Xenia Yuri Zoe Alice Bruno Celia Dennis Edith Frank Greta Hugo Ingrid Julia Kurt "
        "Laura Martin Nora"
    ),
    "last": _names("ton man son ley well ford wick sen by ard"),
    "city": _names("ville burg port mouth haven field stad grad pool ham"),
    "country": _names("ia land"),
    "company": _names("corp ex tech soft"),
    "abbreviation": [f"{a}{b}{c}" for a, b, c in product("BCDFG", "AEIOU", "LMRT")],
    "role": _words(
        "president inventor author actor painter king queen explorer singer scientist pilot architect composer "
        "general senator poet director astronaut boxer chef"
    ),
    "place": _words(
        "city country river mountain island state lake desert town capital harbor province ocean valley village "
        "county street canal peninsula continent"
    ),
    "thing": _words(
        "animal film novel food sport instrument plant color language disease game dance drink flower bird fish song "
        "metal machine religion"
    ),
    "concept": _words(
        "gravity inflation photosynthesis democracy erosion magnetism evolution irony friction osmosis amnesia "
        "capitalism fermentation insomnia metabolism radiation rust static thunder turbulence autism caffeine "
        "cholesterol dew fog glaucoma hypnosis jaundice karma laughter mold nausea ozone plasma quartz rabies "
        "sarcasm tetanus vertigo yeast"
    ),
    "object": _words(
        "telescope bicycle zipper compass piano clock bridge printer camera engine kettle ladder mirror needle "
        "parachute radio saddle typewriter umbrella violin battery candle drum elevator furnace guitar hammer igloo "
        "jacket kite lantern magnet notebook oven pencil quilt rocket stapler tractor windmill"
    ),
    "creature": _words(
        "horse whale eagle tiger salmon beetle turtle rabbit camel wolf penguin spider lizard dolphin badger falcon "
        "giraffe hamster jaguar koala"
    ),
    "verb": _words(
        "invent discover build paint write record design found lose win sell steal describe cross rule explore "
        "defend photograph repair burn"
    ),
    "adjective": _words(
        "oldest largest fastest strangest smallest richest tallest deepest coldest heaviest loudest rarest brightest "
        "longest busiest darkest sweetest hottest steepest oddest"
    ),
    "unit": _words("miles years people gallons pounds dollars degrees days inches tons"),
    "field": _words(
        "chemistry law music boxing medicine politics astronomy farming sailing printing cooking banking physics "
        "fashion chess mining tennis weaving algebra ceramics"
    ),
    "year": [str(year) for year in range(1850, 2000)],
}
