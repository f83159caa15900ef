"""Every figure that needs a GPU, in ten minutes: `python -m benchmarks.gpu --help`."""
