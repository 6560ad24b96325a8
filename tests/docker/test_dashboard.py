"""Grafana's dashboard: every query is PromQL, and asks only for metrics and labels that /metrics has."""

import json
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import httpx
import promql_parser as promql
import pytest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from tests.live import Live

from ttsai_server.metrics import Metrics
from ttsai_server.settings import CHECKOUT

DASHBOARD: dict[str, Any] = json.loads((CHECKOUT / "docker" / "grafana" / "ttsai-server.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*"}
"""Grafana's and the dashboard's own, and what they may stand for."""
OF_PROMETHEUS = {"instance", "job"}
"""Labels that Prometheus adds."""
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def queries() -> list[str]:
    found = [target["expr"] for panel in PANELS for target in panel["targets"]]
    for variable, value in VARIABLES.items():
        found = [query.replace(variable, value) for query in found]
    return found


@pytest.fixture
def offered(server: Live) -> dict[str, set[str]]:
    """Sample's name → its labels, of a server that has done some work."""
    _, key = server.new_key()
    server.client(key).post("/v1/tts", json={"model": "tone", "voice": "tone_a", "text": "la"}).raise_for_status()
    families: Iterable[Metric] = text_string_to_metric_families(httpx.get(f"{server.url}/metrics").text)
    declared = {
        each._name: each._labelnames for each in vars(Metrics()).values() if isinstance(each, MetricWrapperBase)
    }
    found: dict[str, set[str]] = {}
    for family in families:
        for suffix in SUFFIXES[family.type]:
            found[family.name + suffix] = set(declared.get(family.name, ()))  # no samples may be there yet
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def selectors(part: object) -> Iterator[promql.VectorSelector]:
    """All vector selectors in an expression."""
    match part:
        case promql.VectorSelector():
            yield part
        case promql.MatrixSelector():
            yield part.vector_selector
        case promql.AggregateExpr() | promql.ParenExpr():
            yield from selectors(part.expr)
        case promql.BinaryExpr():
            yield from selectors(part.lhs)
            yield from selectors(part.rhs)
        case promql.Call():
            for argument in part.args:
                yield from selectors(argument)
        case _:
            assert isinstance(part, promql.NumberLiteral)


def groupings(part: object) -> Iterator[str]:
    """The labels by which a query sums."""
    match part:
        case promql.AggregateExpr():
            yield from part.modifier.labels if part.modifier else ()
            yield from groupings(part.expr)
        case promql.ParenExpr():
            yield from groupings(part.expr)
        case promql.BinaryExpr():
            yield from groupings(part.lhs)
            yield from groupings(part.rhs)
        case promql.Call():
            for argument in part.args:
                yield from groupings(argument)
        case _:
            pass


def test_every_metric_and_label_that_a_panel_asks_for_is_offered(offered: dict[str, set[str]]) -> None:
    for query in queries():
        parsed = promql.parse(query)
        asked = list(selectors(parsed))
        assert asked, query
        for selector in asked:
            assert selector.name, query
            labels = offered[selector.name] | OF_PROMETHEUS
            assert {matcher.name for matcher in selector.matchers.matchers} <= labels, query
            assert set(groupings(parsed)) <= labels, query


def test_every_panel_says_what_it_shows_and_none_covers_another() -> None:
    assert all(panel["title"] and panel["description"] for panel in PANELS)
    boxes = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    columns, rows = ([range(box[at], box[at] + box[size]) for box in boxes] for at, size in (("x", "w"), ("y", "h")))
    cells = [cell for wide, high in zip(columns, rows, strict=True) for cell in product(wide, high)]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
