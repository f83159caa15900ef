"""Stage 2 of the per-user engine: codebooks, their losses (Eq. 5), module and DataModule."""
