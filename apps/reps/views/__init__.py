"""Pages of this app: reps and teams, business calendars."""
