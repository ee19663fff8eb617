"""Which requests are refused, and with which error."""
