"""Measures the server's costs and compares them with targets. Run by `make bench`, never by the tests."""
