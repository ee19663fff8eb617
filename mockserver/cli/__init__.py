"""The command line: commands, their output and the health check."""
