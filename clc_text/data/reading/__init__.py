"""Files of rows, each format in one module, as a task."""
