"""How the files of image datasets are read."""
