"""The learner of the fleet: from recorded episodes to versions of a policy."""
