"""Sources: rows that are read in pieces while a network learns them, rather than held in memory."""
