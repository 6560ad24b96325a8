"""Finds the number of voices and their mean embeddings, by agglomerative clustering.

Clusters are merged by average linkage, the mean cosine of their members. For embeddings of norm 1 this is the product
of the clusters' means, so a cluster is stored as a sum and a count; long recordings are clustered block by block, and
then the clusters of all blocks.

If the number of speakers is not given, merging stops when no two clusters are as similar as windows of one voice are.
That similarity differs between recordings (noise and reverberation blur voices), so it is measured in each, between
neighbouring windows, most of which have the same speaker.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import DiarizationRequest

Array = NDArray[np.float32]

SAME = 0.85
"""Clusters have one voice if their mean cosine is at least this share of that of neighbouring windows. Measured: at
least .87 within a voice, at most .82 between two voices of the same sex."""
BLOCK = 512
"""Clusters compared with each other at once: .1 s."""
ENOUGH, SHARE = 3, 0.005
"""Least windows of a voice: a number, and a share of all. Smaller clusters are outliers if others are larger."""
_GONE = -2.0
"""Less than any cosine."""


@dataclass(frozen=True, slots=True)
class Clusters:
    sums: Array
    """(n, size): sum of each cluster's embeddings."""
    counts: Array
    """(n,): number of each cluster's embeddings."""


@dataclass(frozen=True, slots=True)
class Merge:
    kept: int
    gone: int
    """Merged into the cluster `kept`."""
    cosine: float
    """Mean cosine between their members."""


def find_voices(embeddings: Array, likeness: float, request: DiarizationRequest) -> Array:
    """The voices, float32 (k, size) of norm 1, in windows (n >= 1, size) of norm 1.

    k is the number given in the request, or within its bounds, but at most n. likeness: mean cosine of neighbouring
    windows.
    """
    return cluster(embeddings, SAME * likeness, request, max(ENOUGH, SHARE * len(embeddings)))


def cluster(embeddings: Array, bar: float, request: DiarizationRequest, enough: float) -> Array:
    """As `find_voices`. bar: least mean cosine of two clusters with one voice. enough: least members of a voice."""
    start = _gather(Clusters(embeddings, np.ones(len(embeddings), np.float32)), bar)
    merges = list(_merges(start))
    voices = _voice_counts(start, merges, enough)
    alike = sum(merge.cosine >= bar for merge in merges)
    count = request.speakers or min(max(voices[alike], request.least, 1), request.most)
    parted = np.flatnonzero(np.array(voices) >= count)
    cut = int(parted[-1]) if len(parted) else max(0, len(start.counts) - count)
    return _largest(_after(start, merges[:cut]), count)


def _voice_counts(start: Clusters, merges: Sequence[Merge], enough: float) -> list[int]:
    """Number of voices before the first merge, after it, after the second, …"""
    counts = start.counts.copy()
    voices = [int(np.count_nonzero(counts >= enough))]
    for merge in merges:
        counts[merge.kept] += counts[merge.gone]
        counts[merge.gone] = 0
        voices.append(int(np.count_nonzero(counts >= enough)))
    return voices


def _largest(clusters: Clusters, count: int) -> Array:
    chosen = clusters.sums[np.argsort(-clusters.counts, kind="stable")[:count]]
    return chosen / np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-9)


def _gather(clusters: Clusters, bar: float) -> Clusters:
    """Merge clusters block by block until at most BLOCK are left."""
    while len(clusters.counts) > BLOCK:
        parts = [_condensed(clusters, slice(i, i + BLOCK), bar) for i in range(0, len(clusters.counts), BLOCK)]
        clusters = Clusters(np.concatenate([p.sums for p in parts]), np.concatenate([p.counts for p in parts]))
    return clusters


def _condensed(clusters: Clusters, part: slice, bar: float) -> Clusters:
    """Merge the clusters of a block while they are alike, and further until an eighth of a block is left."""
    block = Clusters(clusters.sums[part], clusters.counts[part])
    merges = list(_merges(block))
    needed = len(block.counts) - BLOCK // 8
    return _after(block, [merge for i, merge in enumerate(merges) if i < needed or merge.cosine >= bar])


def _after(clusters: Clusters, merges: Sequence[Merge]) -> Clusters:
    sums, counts = clusters.sums.copy(), clusters.counts.copy()
    for merge in merges:
        sums[merge.kept] += sums[merge.gone]
        counts[merge.kept] += counts[merge.gone]
    left = np.ones(len(counts), bool)
    left[[merge.gone for merge in merges]] = False
    return Clusters(sums[left], counts[left])


def _merges(clusters: Clusters) -> Iterator[Merge]:
    """All merges down to one cluster, the most similar two each time, so by falling cosine."""
    sums, counts = clusters.sums.copy(), clusters.counts.copy()
    cosines = sums @ sums.T / np.outer(counts, counts)
    np.fill_diagonal(cosines, _GONE)
    left = np.ones(len(counts), bool)
    for _ in range(len(counts) - 1):
        kept, gone = divmod(int(cosines.argmax()), len(counts))
        yield Merge(kept, gone, float(cosines[kept, gone]))
        sums[kept] += sums[gone]
        counts[kept] += counts[gone]
        left[gone] = False
        row = np.where(left, sums @ sums[kept] / (counts * counts[kept]), _GONE)
        row[kept] = _GONE
        cosines[gone] = cosines[:, gone] = _GONE
        cosines[kept] = cosines[:, kept] = row
