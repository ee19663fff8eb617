"""The request of a client: head, body and the chat request in them."""
