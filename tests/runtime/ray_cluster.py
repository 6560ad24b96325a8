"""A Ray cluster of several nodes on this machine, for tests."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ttsai_server.domain import ModelCard
from ttsai_server.settings import CHECKOUT

CPUS = 8
STORE_BYTES = 100 << 20
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_prestart_worker_first_driver": "0",
}
"""It sends nothing anywhere, and starts no process before it is needed."""


def add_node(cluster: Any) -> Any:
    """A node of CPUS processors, which are only counted."""
    return cluster.add_node(num_cpus=CPUS, object_store_memory=STORE_BYTES)


@contextmanager
def cluster_of(nodes: int) -> Generator[Any]:
    """A cluster whose head runs no models, and so many further nodes. `add_node` adds another one.

    What runs there can import the tests' engines.
    """
    from ray.cluster_utils import Cluster  # it takes a second, and most runs of tests don't need it

    paths = [str(CHECKOUT / "src"), str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with patch.dict(os.environ, {**QUIET, "PYTHONPATH": os.pathsep.join(paths)}):
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES}
        cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(nodes):
                add_node(cluster)
            yield cluster
        finally:
            cluster.shutdown()


def running(card: ModelCard) -> int:
    """How many replicas of a model without a family run, on the cluster that this process is connected to."""
    from ray import serve

    every = (each.deployments for each in serve.status().applications.values())
    (deployment,) = (deployments[card.id] for deployments in every if card.id in deployments)
    return sum(count for state, count in deployment.replica_states.items() if state == "RUNNING")
