"""The operator API: the same over HTTP, for holders of a key, and a bounded number of letters with each request."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from pipeline.events.reasons import Reason
from pipeline.stream import DeadLetterFilter
from tests.integration.dead_letters.conftest import Desk
from tests.processes import Process, Services
from tests.unit.builders import NOW, as_json, good_event
from tests.unit.letters import letter

EVERYTHING = DeadLetterFilter()


@pytest.fixture
def gateway(services: Services) -> Process:
    return services.gateway()


class Api:
    """With a key that is on the list."""

    def __init__(self, http: httpx.AsyncClient, gateway: Process) -> None:
        self._http = http
        self.url = f"{gateway.url}/operator/dead-letters"
        self.headers = {"authorization": "Bearer new-key"}

    async def get(self, path: str = "", **query: Any) -> httpx.Response:
        renamed = {name.rstrip("_"): value for name, value in query.items()}
        return await self._http.get(self.url + path, params=renamed, headers=self.headers)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        renamed = {name.rstrip("_"): value for name, value in body.items()}
        return await self._http.post(self.url + path, json=renamed, headers=self.headers)


@pytest.fixture
def api(http: httpx.AsyncClient, gateway: Process) -> Api:
    return Api(http, gateway)


async def test_counts_lists_and_shows(api: Api, desk: Desk) -> None:
    letters = [letter(failed_at=NOW + timedelta(seconds=second)) for second in range(30)]
    odd = letter(b"\xff\x00", Reason.MALFORMED_JSON, source="unknown", correlation_id="r9")
    await desk.keeper.keep([*letters, odd])

    assert (await api.get("/counts")).json() == {
        "total": 31,
        "counts": [
            {"source": "facebook", "reason": "schema_violation", "letters": 30, "truncated": 0},
            {"source": "unknown", "reason": "malformed_json", "letters": 1, "truncated": 0},
        ],
    }
    assert (await api.get("/counts", reason="malformed_json")).json()["total"] == 1
    listed = (await api.get("/", source="facebook", limit=3)).json()["letters"]
    assert [each["id"] for each in listed] == [each.id for each in letters[:-4:-1]]
    assert "raw" not in listed[0]
    for query in ({"correlationId": "r9"}, {"id": odd.id[:8]}, {"source": "unknown", "from_": "2026-05-14"}):
        assert [each["id"] for each in (await api.get(**query)).json()["letters"]] == [odd.id]
    shown = (await api.get(f"/{odd.id[:8]}")).json()
    assert (shown["id"], shown["raw"], shown["rawBase64"]) == (odd.id, None, "/wA=")
    assert (await api.get("/ffffffff")).status_code == 404


async def test_a_replay_is_done_in_bounded_steps_and_each_letter_is_tried_once(api: Api, desk: Desk) -> None:
    good = [letter(as_json(good_event(eventId=f"fb-{number}"))) for number in range(500)]
    bad = [letter(b"{}") for _ in range(300)]
    await desk.keeper.keep([*bad, *good, letter(truncated=True)])

    body: dict[str, Any] = {"source": "facebook", "limit": 250}
    dry = (await api.post("/replay", **body, dryRun=True)).json()
    assert (dry["selected"], dry["left"], dry["dryRun"]) == (250, 550, True)
    answers = []
    while True:
        answer = await api.post("/replay", **body)
        assert answer.status_code == 200
        answers.append(answer.json())
        body["to"] = answers[-1]["to"]
        if not answers[-1]["left"]:
            break
    assert [answer["selected"] for answer in answers] == [250, 250, 250, 50]
    assert [answer["left"] for answer in answers] == [550, 300, 50, 0]
    assert sum(answer["replayed"] for answer in answers) == 500
    assert sum(answer["rejected"].get("schema_violation", 0) for answer in answers) == 300
    assert {answer["notReplayable"] for answer in answers} == {1}
    left = await desk.archive.newest(EVERYTHING, 1_000)
    assert sorted(each.replays for each in left) == [0] + [1] * 300


async def test_discarding_needs_a_filter_or_a_clear_all(api: Api, desk: Desk) -> None:
    await desk.keeper.keep([*(letter() for _ in range(40)), *(letter(source="tiktok") for _ in range(5))])

    refused = await api.post("/discard")
    assert refused.status_code == 400
    assert "all" in refused.json()["detail"]
    assert (await api.post("/discard", source="tiktok", dryRun=True)).json() == {
        "discarded": 0,
        "left": 5,
        "dryRun": True,
    }
    assert (await api.post("/discard", source="tiktok")).json()["discarded"] == 5
    assert (await api.post("/discard", all=True, limit=30)).json() == {
        "discarded": 30,
        "left": 10,
        "dryRun": False,
    }
    assert (await api.post("/discard", all=True)).json()["left"] == 0
    assert await desk.archive.counts(EVERYTHING) == []


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": "new-key"}, {"authorization": "Bearer \xff"}],
)
async def test_without_a_key_of_the_list_nothing_is_shown(
    api: Api, http: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for path in ("", "/counts", "/abcdef"):
        answer = await http.get(api.url + path, headers=encoded)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await http.post(f"{api.url}/discard", json={"all": True}, headers=encoded)).status_code == 401
    assert (await http.get(api.url, headers={"authorization": "bearer old-key"})).status_code == 200


async def test_while_no_key_is_set_the_door_is_closed(services: Services, http: httpx.AsyncClient) -> None:
    api = Api(http, services.gateway(OPERATOR_API_KEYS=""))
    for answer in (await api.get("/counts"), await api.post("/replay", all=True)):
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:sluice:problem:not-configured"


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/replay", {"from_": "yesterday"}, "ISO 8601"),
        ("/replay", {"reason": "boredom"}, "boredom"),
        ("/replay", {"limit": 100_000}, "5000"),
        ("/discard", {"source": "a.b"}, "no source"),
        ("/discard", {"sorce": "facebook"}, "sorce"),
    ],
)
async def test_what_is_not_understood_is_400_and_says_why(
    api: Api, path: str, body: dict[str, Any], told: str
) -> None:
    answer = await api.post(path, **body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.text
    if "limit" not in body and "sorce" not in body:
        assert (await api.get("/", **body)).status_code == 400


async def test_the_api_page_knows_the_routes(http: httpx.AsyncClient, gateway: Process) -> None:
    paths = (await http.get(f"{gateway.url}/api/openapi.json")).json()["paths"]
    assert {path: sorted(routes) for path, routes in paths.items() if path.startswith("/operator")} == {
        "/operator/dead-letters": ["get"],
        "/operator/dead-letters/counts": ["get"],
        "/operator/dead-letters/{letter_id}": ["get"],
        "/operator/dead-letters/replay": ["post"],
        "/operator/dead-letters/discard": ["post"],
    }
    names = {each["name"] for each in paths["/operator/dead-letters"]["get"]["parameters"]}
    assert names == {"source", "reason", "from", "to", "correlationId", "id", "limit"}
