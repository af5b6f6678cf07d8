"""Who did what, when and from where; sealed into a hash chain that shows any alteration."""
