"""A Ray cluster of several nodes on this machine, for tests."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ray.cluster_utils import Cluster

from ttsai_server.settings import CHECKOUT

STORE_BYTES = 100 << 20
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
}
"""It sends nothing anywhere, and starts no process before it is needed."""


@contextmanager
def cluster_of(nodes: int, cpus: int) -> Iterator[tuple[Any, list[Any]]]:
    """The cluster, whose head runs no models, and so many further nodes of so many processors, which are only counted.

    What runs there can import the tests' engines.
    """
    paths = [str(CHECKOUT / "src"), str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with patch.dict(os.environ, {**QUIET, "PYTHONPATH": os.pathsep.join(paths)}):
        each = {"object_store_memory": STORE_BYTES}
        cluster: Any = Cluster(initialize_head=True, head_node_args={**each, "num_cpus": 0, "include_dashboard": False})
        try:
            yield cluster, [cluster.add_node(**each, num_cpus=cpus) for _ in range(nodes)]
        finally:
            cluster.shutdown()
            sys.stdout.flush()
