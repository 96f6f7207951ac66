"""The options that commands share, each with its help, and where a pipeline is found."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.types import PositiveInt

from docmill.flows.pipeline.options import RunOptions
from docmill.schemas.outcome import Status

FLAG = Parameter(negative="", show_default=False)

PipelineName = Annotated[str, Parameter(help="A pipeline's file or name", show_default=False)]
Documents = Annotated[str | None, Parameter(help="Take these documents instead: a glob")]
IntoUrl = Annotated[str | None, Parameter(help="Write the results to this database instead: a URL")]
EndpointName = Annotated[str | None, Parameter(help="Ask this endpoint instead: local, 302ai or a URL")]
Model = Annotated[str | None, Parameter(help="Ask this model instead")]
Concurrency = Annotated[PositiveInt | None, Parameter(help="Calls in flight at a time")]
Limit = Annotated[PositiveInt | None, Parameter(help="Take up the first N documents that are not unchanged")]
MaxCost = Annotated[
    Decimal | None, Parameter(help="USD that the run may spend at most, reserved before each call")
]
Yes = Annotated[
    bool,
    Parameter(
        negative="", show_default=False, help="Go on whatever it costs: confirm_above_usd asks nothing"
    ),
]
DocumentIds = Annotated[
    tuple[str, ...],
    Parameter(
        name="--document",
        negative="",
        show_default=False,
        help="Take this document alone, by its id; may be given again",
    ),
]
Sample = Annotated[
    PositiveInt | None, Parameter(help="Take N documents, by the hash of their ids: the same at every run")
]
Try = Annotated[
    bool,
    Parameter(
        name="--try",
        negative="",
        show_default=False,
        help="Try 3 documents, or --limit: prints requests, replies and evidence, and keeps no results",
    ),
]
Shards = Annotated[
    int | Literal["auto"],
    Parameter(
        show_default=False,
        help="Have so many flow runs do the documents, on the workers of the deployment shard; or auto",
    ),
]
Refresh = Annotated[
    bool, Parameter(negative="", show_default=False, help="Ask everything anew: nothing counts as unchanged")
]
Gone = Annotated[
    tuple[str, ...],
    Parameter(
        negative="",
        show_default=False,
        help="This folder is gone for good, not just not mounted: `gone` holds for what was in it",
    ),
]
Json = Annotated[
    bool,
    Parameter(
        negative="", show_default=False, help="Print one JSON object on stdout, and nothing else there"
    ),
]


Statuses = Annotated[
    tuple[Status, ...],
    Parameter(name="--status", negative="", help="Only documents of this status; may be given again"),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Asking:
    """The options of every command that runs a pipeline, or says what a run would do."""

    into: IntoUrl = None
    endpoint: EndpointName = None
    model: Model = None
    concurrency: Concurrency = None
    limit: Limit = None
    max_cost: MaxCost = None

    def given(self, **more: Any) -> RunOptions:
        """Give what replaces a pipeline's own, with more of it."""
        return RunOptions(**vars(self), **more)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Choosing(Asking):
    """Those, too, that say which documents are taken up."""

    documents: Documents = None
    document: DocumentIds = ()
    sample: Sample = None
    refresh: Refresh = False


NOTHING, NO_CHOICE = Asking(), Choosing()
