"""A fleet while it runs: started, shown, spoken to."""
