"""What limits promise."""
