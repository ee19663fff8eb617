"""Vendors: their profiles as data, and the behaviour that follows from them."""
