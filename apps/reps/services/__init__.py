"""Acts on reps: one atomic verb each."""
