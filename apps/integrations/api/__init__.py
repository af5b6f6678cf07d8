"""Webhooks and captured leads by API: thin doors to the services behind the pages."""
