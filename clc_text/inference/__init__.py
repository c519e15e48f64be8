"""What a trained run says of rows: predictions, and how good they are."""
