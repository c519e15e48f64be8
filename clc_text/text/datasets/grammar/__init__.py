"""The seeded grammar of questions behind the dataset `quickstart`."""
