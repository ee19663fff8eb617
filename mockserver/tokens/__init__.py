"""Token counts of texts, images and prompts."""
