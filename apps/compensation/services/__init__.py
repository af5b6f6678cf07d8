"""Acts: load and approve plans, compute and carry runs, download. One atomic verb each."""
