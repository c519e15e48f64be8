"""What the noise of given labels is, from predictions of networks that have not seen them."""
