"""Pay by API: the same services as behind the pages."""
