"""What a plan says, what a band pays, what an event earned: exact arithmetic on plain values."""
