"""What the limiter costs, and what it leaves unused."""
