"""Errors of the archive formats that weights come in: zip and tar.gz."""

import tarfile
import zipfile
import zlib
from gzip import BadGzipFile

BROKEN = (zipfile.BadZipFile, tarfile.TarError, BadGzipFile, zlib.error, EOFError)
"""Exceptions that reading a damaged archive raises."""
