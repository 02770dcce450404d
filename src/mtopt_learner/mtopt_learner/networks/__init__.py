"""The networks that are trained, and how they become a bundle's graphs."""
