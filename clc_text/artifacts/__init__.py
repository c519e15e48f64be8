"""What a run leaves behind: its directory, its files and their types."""
