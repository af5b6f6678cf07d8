"""Promises and their clocks: policies, due instants, the sweep that turns them."""
