"""The catalogue engine: codes by EM over items (docs/codes.md)."""
