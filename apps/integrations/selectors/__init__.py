"""What the import pages show: ``runs`` and their figures, the ``columns`` of files with samples."""
