"""The processes of a server with several workers: their supervisor, and the messages between them."""
