"""What RevOps types about calendars."""
