"""What an answer costs: accounts, holds and charges."""
