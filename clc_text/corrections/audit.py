"""How far a run's corrections can be trusted: `RUN/audit.json`, made by `clc-text audit RUN`.

Its keys are an interface that the report and the dataset card read, kept stable by a test. Rates and shares are
0 … 1; `null` stands where something is not known. A *figure* is ``{"value", "low", "high", "count", "of"}``: a share
with its 95 % Wilson interval, and the two whole numbers that it is the quotient of; ``null`` where `of` is 0.

    version            1
    run_id, recipe, dataset, method
    rows               N
    label_names        [C]
    policy             one sentence: by which rule labels were changed (see `clc_text.corrections.policy`)
    predictions        {"kind": "in sample" | "out of sample", "folds": int | null, "agree_with_given": share of rows
                       whose predicted class is the given label, "confidence": mean, "entropy": mean, nats}
    labels             {"given", "method", "person"}: rows by who said the current label; they sum to `rows`
    corrections        {"rows", "share": of all rows,
                        "by_class": [{"label", "given": rows given so, "changed": of these, "share",
                                      "gained": rows changed into it, "now": rows that have it now}] in class order,
                        "pairs": [{"given", "label", "rows"}] most frequent first}
    noise              {"rate", "interval": [low, high] | null, "matrix": [C][C] (row = true class, column = given),
                        "method", "known_rate": share of wrong given labels where the true ones are known | null}
    canaries           null where none were planted, else
                       {"planted", "found": figure (flipped labels that the policy would change),
                        "repaired": figure (of all planted: changed back to the very label before the flip; a lower
                        bound, since that label may itself be wrong),
                        "precision": figure (of those found: repaired),
                        "false_correction_rate": {"value", "low", "high"} | null (of sound labels: changed; inferred
                        from `found`, the estimated noise rate and the share of all rows that are changed)}
    truth              null where no true labels are known, else, over the rows whose true label is known,
                       {"rows", "right_before": figure, "right_after": figure, "fixed", "broken", "missed": wrong
                        labels left as they were, "altered": wrong labels changed to another wrong one,
                        "precision": figure (of changed labels: right now),
                        "recall": figure (of wrong labels: right now),
                        "false_correction_rate": figure (of right labels: changed)}
    person             {"answers", "kept_given", "took_suggestion", "other"}: what people answered
    second_opinion     null without cleanlab, else {"library", "version", "issues": rows that it doubts,
                        "changed_and_doubted", "changed_only", "doubted_only", "kappa": Cohen's of the two decisions,
                        "truth": null | {"fixed", "broken", "right_after": figure} if each issue took its prediction}
    notices            [{"name", "severity": "warning" | "note", "epoch", "message"}], of the run (see `guards.json`)
    verdict            {"trust": "trust" | "look first" | "do not use",
                        "little_to_correct": bool,
                        "summary": one or two sentences for people,
                        "reasons": [sentences], "basis": "true labels" | "canaries" | "estimates"}
"""

from __future__ import annotations
