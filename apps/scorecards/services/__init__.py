"""Acts on rankings and scorecards: one atomic verb each, keyword-only, with ``at`` passed in."""
