"""Evaluating: attempts at tasks in scenes that training never sees, all cores at work."""
