"""The state that requests leave behind: sessions, journal, ledgers and counters."""
