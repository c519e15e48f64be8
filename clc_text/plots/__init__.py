"""Figures of runs, drawn."""
