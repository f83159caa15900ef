"""From bytes to columns: encodings, lines, delimited files, JSON, Parquet, times, and rejected rows."""
