"""CTR networks, one paper per file."""
