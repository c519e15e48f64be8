"""What a check of a dataset looks for, one file a kind of flaw."""
