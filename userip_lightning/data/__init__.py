"""From raw logs to prepared data: readers, filters, labels, splits, and one DataModule per stage."""
