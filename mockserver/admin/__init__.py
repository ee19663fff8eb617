"""The admin API under `/_mock`: what it reads, changes and checks."""
