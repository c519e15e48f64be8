"""Many runs: a grid of recipes × variants × seeds, run anywhere, summed up in a table."""
