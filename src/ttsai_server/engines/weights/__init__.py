"""Downloads the weights that a model's card lists to `models.dir`/<id>/, and verifies their checksums.

    missing_files  files that don't exist: a stat each, for start and doctor
    verify         files that don't exist or have a wrong checksum: reads them all
    check          the same, and records the result
    damage         what is known to be wrong with files that exist: a stat each, and what the last check recorded
    is_checked     whether nothing has changed since the last check
    pull           downloads what `verify` finds, from the card's sources in order
    import_from    the same from a local folder, for a machine without a network

Beside the folder, <id>.lock holds the checksums found by the first pull, for files whose checksum the card does not
give. Only a source's fetcher imports a network library.
"""

from ttsai_server.engines.weights.model_folder import check, damage, is_checked, missing_files, verify
from ttsai_server.engines.weights.pull import import_from, pull

__all__ = ["check", "damage", "import_from", "is_checked", "missing_files", "pull", "verify"]
