"""Tables as people's programs write them, into plain rows; what the rows mean is for others to say."""
