"""The fleet graph, the command line, and everything the packages install to share."""
