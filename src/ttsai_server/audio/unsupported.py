"""Recognises unsupported formats by their magic numbers, so that the error message can name them."""

_MAGIC_NUMBERS = (
    (0, b"\x00\x00\x01\xba", "an MPEG program stream"),
    (0, b"\x00\x00\x01\xb3", "MPEG video without sound"),
    (0, b".RMF", "RealMedia"),
    (0, b".ra\xfd", "RealAudio"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"wvpk", "WavPack"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
    (0, b"TTA1", "True Audio"),
    (0, b"DSD ", "DSD audio"),
    (0, b"FRM8", "DSD audio"),
    (0, b"OFR ", "OptimFROG"),
    (0, b".snd", "Sun audio (.au)"),
    (0, b"riff\x2e\x91\xcf\x11", "Wave64"),
    (0, b"Creative Voice File", "a Creative Voice file"),
    (0, b"#!SILK", "SILK audio"),
    (1, b"#!SILK", "SILK audio"),
    (0, b"MThd", "MIDI"),
    (8, b"RMID", "MIDI"),
    (0, b"\x0b\x77", "AC-3 without a container"),
    (0, b"\x7f\xfe\x80\x01", "DTS without a container"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"\x89PNG", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (8, b"WEBP", "a picture (WebP)"),
    (0, b"#EXTM3U", "a playlist"),
    (0, b"[playlist]", "a playlist"),
    (0, b"<!DOCTYPE html", "a web page"),
    (0, b"<html", "a web page"),
)
"""Offset of the magic number, the magic number, and what such a file is."""


def unsupported_format(head: bytes) -> str:
    """Name of the unsupported format of a file that begins with `head`; empty if unknown."""
    return next((name for at, magic, name in _MAGIC_NUMBERS if head[at : at + len(magic)] == magic), "")
