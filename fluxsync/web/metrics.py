"""Figures for Prometheus: numbers only, never the name of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fluxsync import __version__
from fluxsync.engine.status import State, Status
from fluxsync.web.health import health

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOTALS = {
    "passes": "Passes made.",
    "failed_passes": "Passes that the account ended: away, or it refused the credentials.",
    "requests": "Requests that passes sent to the account.",
    "probes": "Probes of the account.",
    "lists": "Lists of the account.",
    "bytes_up": "Bytes of files sent to the account.",
    "bytes_down": "Bytes of files fetched from the account.",
    "uploaded": "Assets created.",
    "versions": "Versions sent to assets.",
    "downloaded": "Files fetched.",
    "conflicts": "Conflicts found.",
    "failures": "Files that a pass could not sync, counted in each pass.",
}


def exposition(status: Status, totals: Mapping[str, float]) -> bytes:
    """Return the text that a Prometheus server reads."""
    registry = CollectorRegistry()
    registry.register(_Figures(status, totals))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, status: Status, totals: Mapping[str, float]) -> None:
        self._status = status
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        status, counts = self._status, self._status.counts
        build = GaugeMetricFamily("fluxsync_build_info", "The version that runs.", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        state = GaugeMetricFamily("fluxsync_state", "What the pair is doing: one is 1.", labels=["state"])
        for each in State:
            state.add_metric([str(each)], each is status.state)
        yield state
        yield _gauge("healthy", "1 while /healthz answers 200, else 0.", health(status).well)
        yield _gauge("files", "Files that both sides have.", counts.files)
        yield _gauge("folders", "Folders that both sides have.", counts.folders)
        yield _gauge("bytes", "Bytes of the files that both sides have.", counts.bytes)
        yield _gauge("kept_here", "Files kept here whose assets are gone.", counts.kept_here)
        yield _gauge("kept_there", "Assets kept on the account whose files are gone.", counts.kept_there)
        yield _gauge("moving", "Files on their way.", len(status.moving))
        yield _gauge("waiting", "Paths that wait to be taken up.", len(status.waiting))
        yield _gauge("failing", "Paths that could not be synced.", len(status.failing))
        yield _gauge("skipped", "Paths left alone on both sides.", len(status.skipped))
        yield _gauge("in_conflict", "Conflicts kept as two files that stand.", len(status.conflicts))
        yield _gauge("held", "Changes that a limit holds back.", len(status.held))
        since = status.in_step_since
        if since is not None:
            yield _gauge("in_step_timestamp_seconds", "When both sides were last found in step.", since)
            ago = max(0.0, status.now - since)
            yield _gauge("since_in_step_seconds", "How long ago that was.", ago)
        for name, value in self._totals.items():
            if _NAME.fullmatch(name):
                what = f"{_TOTALS.get(name, name)} Since the start."
                yield CounterMetricFamily(f"fluxsync_{name}", what, value)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"fluxsync_{name}", what, value)
