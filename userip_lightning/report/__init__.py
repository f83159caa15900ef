"""Tables and statistics of finished runs: reads files, trains nothing, imports no torch."""
