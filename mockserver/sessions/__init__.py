"""What a request leaves behind: sessions, journal, ledgers and counters."""
