"""Corrected datasets and models on the Hub: what is sent, the cards that explain it, and one safe commit."""
