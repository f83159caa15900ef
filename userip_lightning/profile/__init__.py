"""Stage 1: latent profiles as soft tokens of a frozen causal LM."""
