"""UserIP-Lightning: latent user profiles from a frozen language model, as small codes for a CTR model."""

__version__ = "0.1.0"
