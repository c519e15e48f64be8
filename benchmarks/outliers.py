"""Texts that do not belong, planted among those that do: ``python -m benchmarks.outliers --out FOLDER``.

Among TREC's questions, ten newsgroups and disaster tweets texts are planted: of the other two, in other languages, and
what forms and web pages leave behind. Beside clc_text cleanlab's outlier score of the same frozen MiniLM. Results:
recipes/results/outliers.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.ranking import features_of, source
from clc_text.data.checks.outliers import outliers
from clc_text.utils.shown import echo

SETS = ("trec", "tickets", "disaster")
TOPICS = 40  # texts of the other two sets
LETTERS = 200  # of them, at most
FIRST = (20, 50, 100)
LANGUAGES = """Bitte geben Sie die Nummer Ihrer letzten Rechnung an
Die Sitzung wurde wegen der Wetterlage auf Donnerstag verschoben
Das Gerät lässt sich seit gestern nicht mehr einschalten
Le fichier demandé n'a pas pu être ouvert en écriture
Nous vous remercions de votre commande et restons à votre disposition
La réunion aura lieu demain matin dans la grande salle
No se ha podido encontrar la carpeta de trabajo indicada
Muchas gracias por su mensaje, le responderemos cuanto antes
El paquete llegó roto y falta el cable de alimentación
Non è stato possibile salvare le modifiche al documento
La consegna è prevista per la prossima settimana
Não foi possível ligar ao servidor, tente novamente mais tarde
A encomenda ainda não chegou e ninguém atende o telefone
Het bestand is sinds de laatste keer lezen gewijzigd
Kunt u mij vertellen wanneer de monteur langs komt
Nie można otworzyć pliku do odczytu
Proszę o zwrot pieniędzy za uszkodzony towar
Tiedostoa ei voitu tallentaa koska levy on täynnä
Kiitos viestistä, palaamme asiaan mahdollisimman pian
Filen er ændret siden den blev læst sidste gang
Tack för din beställning, den skickas inom två dagar
Siparişim hâlâ gelmedi, lütfen yardımcı olun
Soubor nelze otevřít, zkontrolujte prosím oprávnění
A megrendelt termék helyett mást kaptam""".splitlines()
LEFT_BEHIND = """Click here to unsubscribe from this mailing list.
© 2021 Acme Inc. All rights reserved. Terms of Service | Privacy Policy
404 Not Found. The requested URL was not found on this server.
lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor
asdf asdf asdf jkl
Please enable JavaScript and cookies to continue
I am out of office until Monday and have no access to e-mail.
{"error": {"code": 500, "message": "Internal Server Error"}}
Traceback (most recent call last): File "main.py", line 3, in <module> KeyError: 'id'
SELECT id, name FROM customers WHERE created_at > '2020-01-01' ORDER BY id;
We use cookies to improve your experience. Accept all | Settings
Invoice no. 2019-0431, total 1,249.00 EUR, payable within 14 days net
eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0
Share on Facebook Tweet Pin it Email Print
-----BEGIN PGP SIGNATURE----- Version: GnuPG v1 iEYEARECAAYFAk
Mon Tue Wed Thu Fri Sat Sun 09:00 17:00 closed""".splitlines()


def planted(name: str, seed: int) -> list[str]:
    """What does not belong into a set."""
    generator = np.random.default_rng(seed)
    found: list[str] = []
    others = [other for other in SETS if other != name]
    for other in others:
        texts = [text for text in source(other)[0] if len(text.strip()) > 15]
        chosen = generator.permutation(len(texts))[: TOPICS // len(others)]
        found += [" ".join(texts[row].split())[:LETTERS] for row in chosen]
    return found + LANGUAGES + LEFT_BEHIND


def shares(score: np.ndarray, belongs: int) -> list[float]:
    """How many of the first rows are planted: those from number `belongs` on."""
    order = np.argsort(-score, kind="stable")
    return [float((order[:first] >= belongs).mean()) for first in FIRST]


def line(name: str, kept: Path, seed: int) -> str:
    """A set's line of the table."""
    from cleanlab.outlier import OutOfDistribution

    texts = source(name)[0]
    belongs, whole = len(texts), texts + planted(name, seed)
    features = features_of(f"{name}-odd{seed}", whole, kept)
    rival = -OutOfDistribution().fit_score(features=features, verbose=False)
    ours, words = outliers(whole, features), outliers(whole)
    clean = outliers(texts, features[:belongs])
    assert ours is not None and words is not None and clean is not None
    cells = [" / ".join(f"{share:.2f}" for share in shares(score, belongs))
             for score in (rival, words.surprise, ours.surprise)]  # fmt: skip
    right = int((ours.rows >= belongs).sum())
    named = [f"{right} of {len(ours.rows)}", str(len(clean.rows))]
    return f"| {' | '.join([name, f'{belongs:,}', str(len(whole) - belongs), *cells, *named])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where features are kept")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    heads = (
        "set",
        "rows",
        "planted",
        "cleanlab",
        "words",
        "words and MiniLM",
        "planted of those named",
        "without any",
    )
    echo(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name in SETS:
        echo(line(name, given.out, given.seed))


if __name__ == "__main__":
    main()
