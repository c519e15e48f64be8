"""Reads the folders of networks named on the command line, as people do who have never heard of this package."""

import json
import sys
from importlib.abc import MetaPathFinder


class Forbidden(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        if name.split(".")[0] == "clc_text":
            raise ImportError(f"{name} is not here")


sys.meta_path.insert(0, Forbidden())

from transformers import AutoModelForSequenceClassification, pipeline  # noqa: E402

texts, folders = json.loads(sys.argv[1]), sys.argv[2:]
found = {}
for folder in folders:
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    answers = pipeline("text-classification", model=folder)(texts, top_k=None)
    found[folder] = {"class": type(model).__name__, "answers": answers}
assert "clc_text" not in sys.modules
print(json.dumps(found))
