"""How long a text, an image or a prompt is in tokens."""
