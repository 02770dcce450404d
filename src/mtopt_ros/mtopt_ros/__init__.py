"""The nodes of a cell: thin shells over the packages below."""
