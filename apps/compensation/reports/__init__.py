"""Files that leave the portal: the payout report as CSV and XLSX, a statement as CSV."""
