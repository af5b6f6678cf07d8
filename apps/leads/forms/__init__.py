"""What people type on the funnel's pages, checked field by field. Rules of the funnel are in services."""
