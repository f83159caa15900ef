"""Stage 3: click-through-rate networks over categorical fields, some of which are profile codes."""
