"""Whether texts are English, which most pre-trained models expect of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SAMPLE = 1000  # texts
_LETTERS = 2000  # characters of each
_FOREIGN_LETTERS = 0.3  # share of all letters beyond which the script is another
# Words that stand in nearly every sentence of their language and mean nothing in the others.
_ENGLISH = """
    the of and that for it with this have from are not you but what who how where which were has they when your would
    there been their about he she his her
"""
_OTHERS = """
    der die das und nicht ist ein eine zu den mit auf für ich sie es dem
    le la les des et est une pour dans que qui du je il vous
    el los las por una para como del con más su lo se es
    che di non sono il della gli uma não os em dos
    het een van niet dat op te ik je voor zijn
    och att det som på är inte för jag på ikke er og
    nie jest na się że jak bir bu için da
    yang dan di untuk ini dengan và của là không
"""
_WORD = re.compile(r"[^\W\d_]+")


def looks_english(texts: Sequence[str]) -> bool:
    """By the script and by function words of a sample; lists of names, which tell nothing, count as English."""
    of_english, of_others = set(_ENGLISH.split()), set(_OTHERS.split())
    step = max(1, len(texts) // _SAMPLE)
    letters = foreign = english = others = 0
    for row in range(0, len(texts), step):
        words = _WORD.findall(texts[row][:_LETTERS].lower())
        english += sum(word in of_english for word in words)
        others += sum(word in of_others for word in words)
        letters += sum(map(len, words))
        foreign += sum(character > "ɏ" for word in words for character in word)
    return foreign <= _FOREIGN_LETTERS * letters and english >= others
