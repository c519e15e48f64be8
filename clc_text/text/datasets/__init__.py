"""Text datasets, one file each; `base` says what one is."""
