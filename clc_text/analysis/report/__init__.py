"""`report.html`: a run on one self-contained page, made from its directory alone."""
