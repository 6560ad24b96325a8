"""Results: what finished work left to be fetched, until it expires.

    base        Files: where the bytes lie
    directory   … in a folder
    s3          … in a bucket of S3, or of anything that speaks its API
    rows        what the database knows of them
    results     both together: a result is there whole, or not at all

Every file has a random name that no client is told, and is in exactly one of two tables: `results` when it is one, or
`loose_files` while it is being written or has to be deleted. Its row comes before the file and goes after it, so a
crash at any moment leaves no file that nobody knows. Only the parts of an S3 upload that broke off are out of reach: a
bucket needs the lifecycle rule that aborts incomplete uploads.
"""

from ttsai_server.store.results.results import Results, new_id, open_results
from ttsai_server.store.results.rows import Result, Usage, discard

__all__ = ["Result", "Results", "Usage", "discard", "new_id", "open_results"]
