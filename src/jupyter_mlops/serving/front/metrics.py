"""``/metrics``: what is counted, as Prometheus reads it.

The figures are read when somebody asks for them; counting them costs a request nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from .dispatcher import Dispatcher
from .figures import BOUNDS
from .messages import Reply, Request, Route

_VERSION: Final = ("role", "version")
_BOUNDS: Final = (*map(str, BOUNDS), "+Inf")


class Endpoint(Collector):
    """Gives the figures of a dispatcher to whoever scrapes them.

    Parameters
    ----------
    dispatcher : Dispatcher
    endpoint : str
        Its name, for ``mlops_endpoint_info``.
    """

    def __init__(self, dispatcher: Dispatcher, endpoint: str) -> None:
        self._dispatcher = dispatcher
        self._endpoint = endpoint

    def collect(self) -> Iterator[Metric]:
        """Give each metric with its values as they are now."""
        yield self._info()
        yield self._requests()
        yield self._durations()
        rows = CounterMetricFamily("mlops_rows", "Rows that were predicted.", labels=_VERSION)
        compared = CounterMetricFamily(
            "mlops_shadow_compared", "Answers of a shadow that were compared with the champion's.", labels=_VERSION
        )
        agreed = CounterMetricFamily("mlops_shadow_agreed", "Those of them that were the same.", labels=_VERSION)
        dropped = CounterMetricFamily(
            "mlops_shadow_dropped", "Requests that a shadow was not asked, for it was behind.", labels=_VERSION
        )
        for key, figures in self._dispatcher.figures.items():
            rows.add_metric(key, figures.rows)
            if key[0] == "shadow":
                compared.add_metric(key, figures.compared)
                agreed.add_metric(key, figures.agreed)
                dropped.add_metric(key, figures.dropped)
        yield from (rows, compared, agreed, dropped)
        waiting = self._dispatcher.waiting
        yield GaugeMetricFamily("mlops_queue_requests", "Requests that are under way.", value=waiting)
        limit = self._dispatcher.limits.waiting
        yield GaugeMetricFamily("mlops_queue_limit", "Requests that may be; the next ones get 503.", value=limit)

    def _info(self) -> Metric:
        labels = ("endpoint", "model", *_VERSION)
        info = GaugeMetricFamily("mlops_endpoint_info", "Which version has which role now.", labels=labels)
        routing = self._dispatcher.routing
        for arm in routing.arms if routing else ():
            info.add_metric((self._endpoint, routing.model if routing else "", arm.role, arm.version), 1)
        return info

    def _requests(self) -> Metric:
        text = "Answers by status; without role and version where no version was asked."
        requests = CounterMetricFamily("mlops_requests", text, labels=(*_VERSION, "code"))
        for code, count in sorted(self._dispatcher.refusals.items()):
            requests.add_metric(("", "", str(code)), count)
        for key, figures in self._dispatcher.figures.items():
            for code, count in sorted(figures.codes.items()):
                requests.add_metric((*key, str(code)), count)
        return requests

    def _durations(self) -> Metric:
        text = "How long answers of 2xx took, from when the request had come in whole."
        durations = HistogramMetricFamily("mlops_request_duration_seconds", text, labels=_VERSION)
        for key, figures in self._dispatcher.figures.items():
            buckets = list(zip(_BOUNDS, map(float, accumulate(figures.buckets)), strict=True))
            durations.add_metric(key, buckets, figures.total_seconds)
        return durations


def routes(dispatcher: Dispatcher, endpoint: str) -> dict[str, Route]:
    """Give the path."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Endpoint(dispatcher, endpoint))
    ProcessCollector(registry=registry)  # of the front: its processor time, its memory, since when it runs

    async def metrics(request: Request) -> Reply:
        return Reply(200, generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4)

    return {"/metrics": Route("GET", metrics)}
