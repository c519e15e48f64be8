"""One run, from its recipe to its directory, and what is made of a run without training it anew."""
