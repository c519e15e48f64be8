"""What `clc_text.trainer` is made of: arguments, data, peers, epochs, scores, checkpoints, several processes."""
