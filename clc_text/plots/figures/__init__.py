"""The pictures of `clc-text plot`, one file each; `clc_text.plots.figure` says what one is."""
