"""Acts on people who sign in: each is one atomic verb, keyword-only, with ``at`` passed in."""
