"""Temporary files are counted while they exist."""

import numpy as np
import pytest

from ttsai_server.audio.recording import Recording
from ttsai_server.audio.temp_disk import SpooledUpload, TempDisk, TempFile, buffered
from ttsai_server.errors import DiskFull, FileTooLarge

SECOND = np.zeros((1000, 1), np.float32)


def test_a_recording_is_counted_until_it_is_closed() -> None:
    disk = TempDisk(4000)
    with Recording(1000, disk=disk) as recording:
        recording.append(SECOND)
        assert disk.used == 4000
        with pytest.raises(DiskFull):
            recording.append(SECOND)
        with pytest.raises(DiskFull), recording.empty() as other:
            other.append(SECOND)
    assert disk.used == 0


def test_an_account_reaches_its_own_share_first() -> None:
    whole = TempDisk(10_000)
    one, other = TempDisk(4000, whole), TempDisk(8000, whole)
    one.take(4000)
    with pytest.raises(DiskFull):
        one.take(1)
    other.take(6000)
    with pytest.raises(DiskFull):
        other.take(1)
    assert (one.used, other.used, whole.used) == (4000, 6000, 10_000)
    one.give(4000)
    other.take(1)
    assert whole.used == 6001


def test_a_file_is_no_longer_than_its_longest_and_written_over_it_does_not_grow() -> None:
    disk = TempDisk()
    with buffered(TempFile(disk, most=100)) as file:
        for _ in range(3):
            file.seek(0)
            file.write(bytes(100))
            file.flush()
        assert disk.used == 100
        with TempFile(disk, most=100) as other, pytest.raises(FileTooLarge, match="the plan allows"):
            other.write(bytes(101))
    assert disk.used == 0


def test_an_upload_is_counted_once_it_is_too_long_for_memory_and_until_it_is_closed() -> None:
    disk = TempDisk(3000)
    with SpooledUpload(disk, 1000) as upload:
        upload.write(bytes(1000))
        assert disk.used == 0
        upload.write(bytes(1500))
        assert disk.used == 2500
        with pytest.raises(DiskFull):
            upload.write(bytes(501))
        assert disk.used == 2500
    upload.close()
    assert disk.used == 0
