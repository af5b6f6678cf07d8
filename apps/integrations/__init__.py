"""Data in and out: guided import through saved column mappings."""
