"""The cost of answers: accounts, holds and charges."""
