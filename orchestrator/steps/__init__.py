"""What each kind of step does with its turn."""
