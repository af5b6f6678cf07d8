"""Use-cases of promises: put policies, start and stop clocks, sweep those that ran out."""
