"""What this app does: save mappings, check an import, write it."""
