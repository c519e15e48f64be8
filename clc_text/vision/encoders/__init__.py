"""What turns images into tensors, one file each; `base.py` says what it is."""
