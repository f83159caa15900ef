"""The catalogue engine: codes by EM over items (design, section 7)."""
