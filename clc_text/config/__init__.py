"""Recipes: their parts, limits and files, with every mistake named by its line."""
