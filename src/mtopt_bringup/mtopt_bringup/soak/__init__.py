"""The soak: a cell that runs for hours while something breaks all the time, and a verdict."""
