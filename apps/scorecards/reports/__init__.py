"""Files that leave the portal: a scorecard as PDF."""
