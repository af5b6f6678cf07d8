"""Use-cases of the funnel: each is one atomic verb, keyword-only, with ``at`` passed in."""
