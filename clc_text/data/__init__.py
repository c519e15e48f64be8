"""Rows and their labels: what a dataset is, how tables are read, described and checked."""
