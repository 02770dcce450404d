"""What a start means: which cells, which processes, with what settings."""
