"""Log replay: episode files as transitions in a memory-mapped cache, decoded once."""
