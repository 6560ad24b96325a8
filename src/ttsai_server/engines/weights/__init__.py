"""Weights: what a model's card lists, fetched to `models.dir`/<id>/ and held to its checksums.

    missing_files  files that are not there: a stat each, for start and doctor
    verify       files that are not there or not right: reads them all
    pull         fetches what `verify` finds, from the card's sources in order
    import_from  the same from a folder, for a machine with no network

Beside the folder lies <id>.lock: the checksums that the first pull found, for files whose checksum the card does not
give. Nothing here runs unless it is called, and only a source's own fetcher imports a network library.
"""

from ttsai_server.engines.weights.model_folder import missing_files, verify
from ttsai_server.engines.weights.pull import import_from, pull

__all__ = ["import_from", "missing_files", "pull", "verify"]
