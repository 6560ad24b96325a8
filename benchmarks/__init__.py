"""What the server costs, held to its targets. Run by `make bench`, never by the tests."""
