"""Files of any usual format into Arrow tables, and tables with named columns into a task; imported by `load` alone."""
