"""What a code means: words, items and users behind it, and which events speak for a user's code."""
