"""Predictions by networks that never saw a row's label, and what they tell of the noise."""
