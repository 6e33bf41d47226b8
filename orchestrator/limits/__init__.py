"""Rate limits of a budget, shared by all workers."""
