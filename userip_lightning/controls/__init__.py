"""Control codes: what any gain of inferred codes must beat."""
