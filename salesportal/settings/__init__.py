"""Settings: base holds what is always so; local, test and production say what differs."""
