"""What the word-vector encoder is made of: tokens, files of vectors, a cache, training, pooling."""
