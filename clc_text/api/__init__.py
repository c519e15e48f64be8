"""What notebooks call: a table corrected, its labels judged, a classifier, each in one call (`import clc_text`)."""
