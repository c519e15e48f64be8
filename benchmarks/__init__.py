"""Measurements that the pages under recipes/results tell: run from the root of the repository."""
