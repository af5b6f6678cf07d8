"""Pages of pay: statements, runs, downloads, plans."""
