"""Where speech begins and ends, from the probability of speech in each frame."""

from ttsai_server.domain import DETECTION_FRAME
from ttsai_server.services.live_transcription.plan import RATE, SpeechDetection

FRAMES_PER_SECOND = RATE / DETECTION_FRAME
LEAST_SPEECH = 3
"""Frames of speech that begin an utterance: less is a click."""
FALL = 0.15
"""By how much the probability must be under the threshold where speech ends: Silero's own default."""


class SpeechBounds:
    """Follows one sound, frame by frame."""

    def __init__(self) -> None:
        self.speaking = False
        """Whether an utterance goes on."""
        self.run = 0
        """Frames of speech up to now, without a break."""
        self.silence = 0
        """Frames without speech up to now."""

    def add(self, probability: float, detection: SpeechDetection) -> None:
        """The next frame."""
        # a pause in an utterance begins below the threshold, and ends at it
        floor = detection.threshold - (FALL if self.run else 0)
        if probability >= max(floor, 0.01):
            self.run, self.silence = self.run + 1, 0
        else:
            self.run, self.silence = 0, self.silence + 1
        if not self.speaking:
            self.speaking = self.run >= LEAST_SPEECH
        elif self.silence >= max(1, round(detection.silence_seconds * FRAMES_PER_SECOND)):
            self.speaking = False
