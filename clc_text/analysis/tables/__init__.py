"""Tables of runs, for a screen, Markdown, CSV and LaTeX."""
