"""YAML with positions, and the field types that check it."""
