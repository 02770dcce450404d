"""`mtopt eval`: what a policy is worth, as tables, data and pages."""
