"""How a row on record is written down for hashing, and how a seal is made of it. Plain values only."""
