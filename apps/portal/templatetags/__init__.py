"""Template tags of the look. Their geometry is in apps/portal/pictures.py, their markup in templates."""
