"""From a folder of episodes to versions in the model store."""
