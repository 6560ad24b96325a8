"""Splits a recording into chunks of speech, and maps their transcripts to sentences with times in the recording."""
