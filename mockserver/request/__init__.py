"""What the client sent: head, body and the chat request in them."""
