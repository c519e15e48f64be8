"""Scripts that are written without blanks between words: Chinese, Japanese, Thai and their like.

Cut at blanks, a whole sentence of theirs is one word that never comes again. Cut into characters, as BERT's tokenisers
cut Chinese, it is many. (Korean is written with blanks, Tibetan with a mark after every syllable.)
"""

from __future__ import annotations

import itertools
import re
import unicodedata

# Both Python's and Arrow's regular expressions read this class of characters.
SPACELESS = (
    "["
    "\u0e01-\u0e4e\u0e80-\u0ecf"  # Thai, Lao, without their digits and marks of punctuation
    "\u1000-\u103f\u104c-\u109f\ua9e0-\ua9ef\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17d3\u17d7-\u17dd"  # Khmer
    "\u1950-\u19c9\u1a20-\u1a7f\u1b00-\u1b4c\ua980-\ua9c0"  # Tai scripts, Balinese, Javanese
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"  # signs among Chinese characters
    "\u3041-\u309f\u30a1-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # Japanese, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48c\uf900-\ufaff\uff66-\uff9f"  # Chinese, Yi, narrow Japanese
    "\U0001b000-\U0001b16f\U00020000-\U000323af"  # beyond the first plane
    "]"
)
# Signs that stand for words and need no blank beside them either: arrows, symbols, emoji.
PICTURES = "[\u2190-\u2bff\U0001f000-\U0001faff]"

_spaceless = re.compile(SPACELESS)


def has_spaceless(text: str) -> bool:
    """Whether a character of such a script is in it."""
    return _spaceless.search(text) is not None


def in_characters(word: str) -> list[str]:
    """The word, each character of such a script (with the marks on it) by itself, what else is between them whole."""
    starts: list[int] = []
    before = True  # whether the character before stands by itself
    for place, character in enumerate(word):
        if unicodedata.category(character)[0] == "M" and starts:
            continue  # a mark belongs to what it stands on
        alone = _spaceless.match(character) is not None
        if alone or before:
            starts.append(place)
        before = alone
    return [word[start:end] for start, end in itertools.pairwise([*starts, len(word)])]
