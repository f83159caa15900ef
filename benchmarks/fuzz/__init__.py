"""A lasting fuzz: whatever is damaged or odd ends in the right answer or in one sentence."""
