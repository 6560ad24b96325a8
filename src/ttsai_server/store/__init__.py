"""The database and the files of results. No other package writes SQL."""
