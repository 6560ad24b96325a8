"""Results: files that jobs produce, which clients can fetch until they expire.

    base        Files: the interface to file storage
    directory   … in a local folder
    s3          … in an S3 bucket, or another service with its API
    rows        the database rows
    results     rows and files together: a result exists completely or not at all

Every file has a random name that clients never see, and a row in exactly one of two tables: `results` once it is
complete, or `loose_files` while it is being written or has to be deleted. The row is created before the file and
deleted after it, so that a crash at any moment leaves no untracked file. The exception are parts of an S3 upload that
broke off: a bucket needs the lifecycle rule that aborts incomplete uploads.
"""

from ttsai_server.store.results.results import Results, new_id, open_results
from ttsai_server.store.results.rows import Result, Usage, check_share, discard

__all__ = ["Result", "Results", "Usage", "check_share", "discard", "new_id", "open_results"]
