"""What runs show, read and reckoned, nothing drawn: groups, series, maps, comparisons, their tables."""
