"""Texts as the terms that occur in them."""
