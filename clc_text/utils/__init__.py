"""What every room uses and what knows none of them: files, messages, JSON."""
