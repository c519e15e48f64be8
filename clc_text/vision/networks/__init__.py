"""Networks for images, one file each; `base.py` says what one is."""
