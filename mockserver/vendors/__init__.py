"""What a vendor does: profiles as data, and what follows from them."""
