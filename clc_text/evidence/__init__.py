"""Several out-of-sample views of every row's label, and what they say together.

The networks of a run are one view; a linear model, a Gaussian one and a row's neighbours, on features that no label
has shaped, are others. Each fails somewhere, the mixture on fewer sets (`recipes/results/find_wrong_rows.md`).
"""
