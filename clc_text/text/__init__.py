"""Texts: datasets, encoders and networks."""
