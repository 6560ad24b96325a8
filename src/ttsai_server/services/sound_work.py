"""What this process itself does to recordings: decoding, resampling, encoding; fairly, and within limits."""

import os
from contextlib import ExitStack
from typing import BinaryIO
from weakref import WeakValueDictionary

from ttsai_server.audio.bounds import Bounds
from ttsai_server.audio.decode import decode
from ttsai_server.audio.export import ExportFormat, export
from ttsai_server.audio.prosody import Prosody, change
from ttsai_server.audio.recording import Recording
from ttsai_server.audio.resampling import resample
from ttsai_server.audio.temp_disk import TempDisk, TempFile, buffered
from ttsai_server.domain import Caller
from ttsai_server.runtime.fair_share import FairShare, Stop
from ttsai_server.settings import Settings

MB = 1_000_000


class SoundWork:
    """One for the whole server. All methods raise ModelLoading if no turn comes in `models.queue_wait_seconds`, and
    DiskFull if recordings fill the temporary disk, or the account's share of it; cancelled, they stop first."""

    def __init__(self, settings: Settings) -> None:
        self._bounds = settings.recordings
        self._plans = settings.plans
        threads = self._bounds.threads or max(1, (os.cpu_count() or 1) // 2)
        self._work = FairShare(threads, settings.models.queue_wait_seconds)
        self._disk = TempDisk(self._bounds.temp_mb * MB)
        self._shares = WeakValueDictionary[str, TempDisk]()

    async def decode(
        self, caller: Caller, file: BinaryIO, longest: float, *, rate: int | None = None, channels: int | None = None
    ) -> Recording:
        """As `audio.decode.decode`; for the caller to close. longest: seconds."""
        bounds, disk = Bounds(longest, samples=self._bounds.max_samples), self.disk_of(caller)

        def work(stop: Stop) -> Recording:
            return decode(file, bounds, rate=rate, channels=channels, disk=disk, stop=stop)

        return await self._work.run(caller.account, work, Recording.close)

    async def resample(self, caller: Caller, recording: Recording, rate: int, frames: int | None = None) -> Recording:
        """The recording itself if it has that rate, else a copy that has it and so many frames; see `resample`."""
        if recording.rate == rate:
            return recording

        def work(stop: Stop) -> Recording:
            return resample(recording, rate, frames=frames, stop=stop)

        return await self._work.run(caller.account, work, Recording.close)

    async def change_prosody(self, caller: Caller, recording: Recording, prosody: Prosody) -> Recording:
        """As `audio.prosody.change`."""

        def work(stop: Stop) -> Recording:
            return change(recording, prosody, stop=stop)

        return await self._work.run(caller.account, work, Recording.close)

    async def export(self, caller: Caller, recording: Recording, target: ExportFormat) -> BinaryIO:
        """As `audio.export.export`. → the file, for the caller to close.

        Raises FileTooLarge beyond what the caller's plan allows.
        """
        most = self._plans[caller.plan].max_result_mb * MB
        with ExitStack() as unfinished:
            file = unfinished.enter_context(buffered(TempFile(recording.disk, most)))
            await self._work.run(caller.account, lambda stop: export(recording, target, file, stop=stop))
            unfinished.pop_all()
        return file

    def close(self) -> None:
        """End its threads."""
        self._work.close()

    def disk_of(self, caller: Caller) -> TempDisk:
        """The account's share of the disk, as long as a file of it lives."""
        share = self._shares.get(caller.account) or TempDisk(self._bounds.account_temp_mb * MB, self._disk)
        self._shares[caller.account] = share
        return share
