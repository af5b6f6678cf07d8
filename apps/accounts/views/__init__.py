"""Pages of people, and of what each is told."""
