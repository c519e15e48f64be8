"""What trains k peers: the trainer, and its arguments, data, epochs, scores, checkpoints and processes."""
