"""The routes of the page and of what it shows."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from msgspec import Meta

from gateway.feed.assets import PAGE, Asset, load_assets
from gateway.feed.counters import FeedCounters, PostNumbers, RankedPost
from gateway.telemetry import SERVICE
from pipeline.chassis.problems import Problem, ProblemDetail
from pipeline.live import LiveConnection, LiveSettings, PostCounters, Window

MAX_POSTS = 100
MAX_RANKS = 50

_DATA_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_RESPONSES = {
    400: ResponseSpec(ProblemDetail, description="A parameter is wrong.", generate_examples=False),
    503: ResponseSpec(
        ProblemDetail, description="Redis is away, or not configured.", generate_examples=False
    ),
}

PostIds = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=128)]],
    QueryParameter(name="id", description=f"Ids of posts, up to {MAX_POSTS}.", max_items=MAX_POSTS),
]
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_RANKS, description="How many posts.")]


def feed_router(live: LiveSettings) -> Router:
    """The page, its files, and its data, for Litestar. Raises ConfigurationError when REDIS_URL makes no sense."""
    counters = FeedCounters(PostCounters(LiveConnection(live, SERVICE))) if live.redis_url else None
    return Router("/feed", route_handlers=[*map(_file_route, load_assets()), data_router(counters)])


def data_router(counters: FeedCounters | None) -> Router:
    """What the page shows, for everybody; None while there are no counters."""

    def known() -> FeedCounters:
        if counters is None:
            raise Problem(503, "not-configured", "REDIS_URL is not set: nothing is counted live.")
        return counters

    @get("/posts", summary="Likes, comments and shares of posts, as they are now", responses=_RESPONSES)
    async def posts(post_ids: PostIds) -> list[PostNumbers]:
        return await known().posts(post_ids)

    @get("/top", summary="The posts with the most likes, as they are now", responses=_RESPONSES)
    async def top(
        window: Annotated[
            Window, QueryParameter(description="Likes of today, of this month, or all.")
        ] = "day",
        limit: Limit = 10,
    ) -> list[RankedPost]:
        return await known().top(window, limit)

    @get("/trending", summary="The posts that most is said of lately", responses=_RESPONSES)
    async def trending(limit: Limit = 10) -> list[RankedPost]:
        return await known().trending(limit)

    handlers = [posts, top, trending]
    return Router("/data", route_handlers=handlers, tags=["feed"], response_headers=_DATA_HEADERS)


def _file_route(asset: Asset) -> HTTPRouteHandler:
    async def answer(request: Request[Any, Any, Any]) -> Response[bytes]:
        if asset.is_known(request.headers.get("if-none-match", "")):
            return Response(b"", status_code=304, headers=asset.headers)
        return Response(asset.content, media_type=asset.media_type, headers=asset.headers)

    path = "/" if asset.name == PAGE else f"/{asset.name}"
    return get(path, include_in_schema=False)(answer)
