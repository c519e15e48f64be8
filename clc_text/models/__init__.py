"""What encoders and networks are: k peers behind one model, and models that were trained before."""
