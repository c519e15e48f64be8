"""The commands of `clc-text`, one file a group; each has `add_to(app)` and imports nothing heavy at its top."""
