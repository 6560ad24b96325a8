"""How many voices there are, and what each is like: agglomerative clustering of embeddings.

Clusters are merged by average linkage, the mean cosine of their members: for embeddings of norm 1 it is the product of
the clusters' means, so that a cluster is a sum and a count, and a recording of hours is clustered a block at a time,
and then the clusters of its blocks.

Where the count is not given, merging ends when no two clusters are as alike as one voice is to itself. How alike that
is differs between recordings (noise and reverberation blur voices), so it is measured in each: by windows that are
close neighbours, most of which have one speaker.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ttsai_server.domain import DiarizationRequest

Array = NDArray[np.float32]

SAME = 0.85
"""Clusters whose mean cosine is this share of close neighbours', or more, have one voice. Seen: .87 and more within a
voice, .82 and less between two of one sex."""
BLOCK = 512
"""Clusters that are compared with each other at once: .1 s."""
ENOUGH, SHARE = 3, 0.005
"""Windows that make a voice, at least, and as a share of all; a cluster of fewer is an outlier, if others have more."""
_GONE = -2.0
"""Less than any cosine."""


@dataclass(frozen=True, slots=True)
class Clusters:
    sums: Array
    """(n, size): of each cluster's embeddings."""
    counts: Array
    """(n,): how many those are."""


@dataclass(frozen=True, slots=True)
class Merge:
    kept: int
    gone: int
    """Is in the cluster `kept` now."""
    cosine: float
    """Mean, between their members."""


def find_voices(embeddings: Array, likeness: float, request: DiarizationRequest) -> Array:
    """The voices, float32 (k, size) of norm 1, in windows (n >= 1, size) of norm 1.

    k is the count that the request gives, or between its bounds, but never more than n. likeness: mean cosine of close
    neighbours.
    """
    return cluster(embeddings, SAME * likeness, request, max(ENOUGH, SHARE * len(embeddings)))


def cluster(embeddings: Array, bar: float, request: DiarizationRequest, enough: float) -> Array:
    """As `find_voices`. bar: mean cosine from which on two clusters have one voice; enough: members that make one."""
    start = _gather(Clusters(embeddings, np.ones(len(embeddings), np.float32)), bar)
    merges = list(_merges(start))
    heard = _heard(start, merges, enough)
    alike = sum(merge.cosine >= bar for merge in merges)
    count = request.speakers or min(max(heard[alike], request.least, 1), request.most)
    parted = np.flatnonzero(np.array(heard) >= count)
    cut = int(parted[-1]) if len(parted) else max(0, len(start.counts) - count)
    return _largest(_after(start, merges[:cut]), count)


def _heard(start: Clusters, merges: Sequence[Merge], enough: float) -> list[int]:
    """How many voices there are before the first merge, after it, and so on."""
    counts = start.counts.copy()
    heard = [int(np.count_nonzero(counts >= enough))]
    for merge in merges:
        counts[merge.kept] += counts[merge.gone]
        counts[merge.gone] = 0
        heard.append(int(np.count_nonzero(counts >= enough)))
    return heard


def _largest(clusters: Clusters, count: int) -> Array:
    chosen = clusters.sums[np.argsort(-clusters.counts, kind="stable")[:count]]
    return chosen / np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-9)


def _gather(clusters: Clusters, bar: float) -> Clusters:
    """So few clusters that they can be compared with each other at once."""
    while len(clusters.counts) > BLOCK:
        parts = [_condensed(clusters, slice(i, i + BLOCK), bar) for i in range(0, len(clusters.counts), BLOCK)]
        clusters = Clusters(np.concatenate([p.sums for p in parts]), np.concatenate([p.counts for p in parts]))
    return clusters


def _condensed(clusters: Clusters, part: slice, bar: float) -> Clusters:
    """Those of a block, merged while they are alike, and on until they are an eighth of a block."""
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
    """Down to one cluster, the two most alike each time; their cosines fall."""
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
