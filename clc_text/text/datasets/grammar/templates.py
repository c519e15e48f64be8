"""The question templates: how a class asks, and how often.

As in TREC, no word gives the class away. "What", "which", "who" and "how" are shared; the head noun after them
decides, and another class's noun may stand further on, so that the order of the words matters and not only which
words there are. Some questions ("What is BELT ?") are asked in two classes.
"""

from __future__ import annotations

CLASSES = ["ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM"]
SHARES = [0.05, 0.21, 0.21, 0.20, 0.16, 0.17]  # near TREC's, but for its rarest class

# Pairs of these differ in the order of their words alone; their weight sets how far a bag of words can go.
_ORDER = 1.0

TEMPLATES: dict[str, dict[str, float]] = {
    "ABBR": {
        "What does {abbreviation} stand for ?": 3,
        "What is the full form of {abbreviation} ?": 2,
        "What is the abbreviation of the {company} {field} society ?": 2,
        "What do the letters {abbreviation} mean in {field} ?": 2,
        "What is {abbreviation} ?": 0.5,
    },
    "ENTY": {
        "What {thing} did {first} {last} {verb} in {year} ?": 3,
        "What is the {adjective} {thing} in {country} ?": 3,
        "Which {thing} does the {creature} fear ?": 2,
        "Name the {adjective} {thing} of {field} .": 2,
        "What kind of {thing} is sold with the {object} ?": 2,
        "What {object} did {company} {verb} first ?": 2,
        "What is the {country} word for {concept} ?": 1,
        "Which {thing} made the {role} of {country} famous ?": _ORDER,
        "What {thing} is named after the {place} of {last} ?": _ORDER,
        "What is {concept} ?": 0.2,
    },
    "DESC": {
        "What is {concept} ?": 3,
        "What causes {concept} ?": 2,
        "Why does the {creature} {verb} the {object} ?": 2,
        "How do you {verb} the {object} ?": 3,
        "How does {concept} affect the {creature} ?": 2,
        "What is the purpose of the {object} in {field} ?": 2,
        "What is the difference between {concept} and a {object} ?": 2,
        "What did {first} {last} say about {concept} ?": 1.5,
        "Why is {city} known for its {thing} ?": 1.5,
        "What does the {object} of the {role} do ?": 1,
        "What is {abbreviation} ?": 0.15,
        "Who was {first} {last} ?": 0.2,
    },
    "HUM": {
        "Who did {verb} the {object} in {year} ?": 3,
        "Who was {first} {last} ?": 1.5,
        "Who was the {role} of {country} in {year} ?": 3,
        "What {role} did {company} {verb} ?": 2,
        "Name the {adjective} {role} of {city} .": 2,
        "What company did {verb} the {object} ?": 2,
        "Which {role} was born in {city} ?": 2,
        "What was the name of the {role} who did {verb} {city} ?": 2,
        "Which {role} made the {thing} of {country} famous ?": _ORDER,
        "Which {role} made the {place} of {country} famous ?": _ORDER,
    },
    "LOC": {
        "Where is {city} ?": 2,
        "Where did {first} {last} {verb} the {object} ?": 2,
        "What is the {adjective} {place} in {country} ?": 3,
        "What {place} has the {adjective} {creature} ?": 2,
        "Which {place} borders {country} ?": 2,
        "Name the {place} where {company} makes the {object} .": 2,
        "In what {place} was {first} {last} born ?": 2,
        "Which {place} made the {role} of {country} famous ?": _ORDER,
        "What {place} is named after the {thing} of {last} ?": _ORDER,
    },
    "NUM": {
        "How many {unit} is {city} from {country} ?": 3,
        "When did {first} {last} {verb} the {object} ?": 3,
        "How many {unit} does the {creature} live ?": 2,
        "What year did {company} {verb} the {object} ?": 2,
        "How much does the {object} cost in {city} ?": 2,
        "What is the population of {city} ?": 2,
        "When was the {role} of {country} born ?": 2,
        "What is the number of {unit} in the {place} of {last} ?": 1,
        "How tall is the {adjective} {place} of {country} ?": 1.5,
        "What {thing} number did the {role} {verb} in {year} ?": 1,
    },
}
