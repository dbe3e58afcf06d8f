"""Taking over the old system's database: what its tables may look like, and the look that comes before any change."""
