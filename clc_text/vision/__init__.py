"""Images: datasets, encoders and networks."""
