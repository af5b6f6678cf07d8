"""People who sign in: users, roles, sessions. What they may do is declared beside what they do it to."""
