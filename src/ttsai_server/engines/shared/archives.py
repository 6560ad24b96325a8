"""Archives that weights come in: zip and tar.gz."""

import tarfile
import zipfile
import zlib
from gzip import BadGzipFile

BROKEN = (zipfile.BadZipFile, tarfile.TarError, BadGzipFile, zlib.error, EOFError)
"""What reading a damaged archive raises."""
