"""Corrected datasets: built from a run, compared, doubted, taken back, answered by people, audited."""
