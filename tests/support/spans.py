"""OpenTelemetry's own SDK, configured once a process: what was written is read back from memory."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Told:
    """The spans and figures that this process has written since `clear`; figures only grow."""

    def __init__(self) -> None:
        self._spans, self._figures = InMemorySpanExporter(), InMemoryMetricReader()
        tracing = TracerProvider()
        tracing.add_span_processor(SimpleSpanProcessor(self._spans))
        trace.set_tracer_provider(tracing)
        metrics.set_meter_provider(MeterProvider([self._figures]))

    def clear(self) -> None:
        """Forget the spans."""
        self._spans.clear()

    def spans(self) -> list[ReadableSpan]:
        """Give all spans in the order they ended, Prefect's among them."""
        return list(self._spans.get_finished_spans())

    def points(self, name: str) -> list[Any]:
        """Give the points of a figure."""
        read = self._figures.get_metrics_data()
        resources = read.resource_metrics if read else []
        scopes = [scope for resource in resources for scope in resource.scope_metrics]
        found = (each for scope in scopes for each in scope.metrics if each.name == name)
        return [point for each in found for point in each.data.data_points]

    def count(self, name: str, **attributes: str) -> float:
        """Add up a counter's points that have these attributes, `__` for a dot."""
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        points = (point for point in self.points(name) if _has(point.attributes, wanted.items()))
        return sum(float(point.value) for point in points)


@cache
def telling() -> Told:
    """Configure the SDK, which can be done once a process."""
    return Told()


def is_own(span: ReadableSpan) -> bool:
    """Say whether it is docmill's and not Prefect's."""
    return span.instrumentation_scope is not None and span.instrumentation_scope.name == "docmill"


def _has(attributes: Mapping[str, Any], wanted: Iterable[tuple[str, str]]) -> bool:
    return all(attributes.get(key) == value for key, value in wanted)
