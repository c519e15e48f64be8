"""The pictures of `clc-text plot`, one file each; `clc_text.analysis.figure` says what one is."""
