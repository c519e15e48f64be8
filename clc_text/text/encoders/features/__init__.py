"""Features of a frozen encoder: computed, kept on disk, scaled."""
