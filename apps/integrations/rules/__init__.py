"""What an import decides by: a mapping's words, and how a cell is read. No Django, no files, no clock."""
