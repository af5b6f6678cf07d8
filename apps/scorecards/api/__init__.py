"""The API of this app, a module for each subject."""
