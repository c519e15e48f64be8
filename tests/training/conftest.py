"""The fixtures of the script in `drop_in_script`, for every test of this folder."""

from drop_in_script import model, test_rows, tokenizer, train_rows

__all__ = ["model", "test_rows", "tokenizer", "train_rows"]
