"""What a response says, rendered as a body or as the chunks of a stream."""
