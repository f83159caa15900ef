"""Statistics of predictions: metrics, intervals and tests over users and seeds."""
