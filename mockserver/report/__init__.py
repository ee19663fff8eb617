"""The report on a client: rules over its recorded requests, attempts of one call, and prompt snapshots."""
