"""Pure decisions of scorecards and ranking on plain values: no Django, no clock, no I/O."""
