"""Methods of learning with noisy labels, one file each; `base` says what a method is."""
