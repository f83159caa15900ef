"""A lasting fuzz: damaged banks, artifacts, configurations and logs end in the right answer or one sentence."""
