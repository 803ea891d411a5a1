"""The three reports in the shapes of DESIGN §4, made from a truth."""

from decimal import Decimal
from typing import Any

from publisher.truth import Truth


def events_report(truth: Truth) -> list[dict[str, Any]]:
    rows = [
        {"source": source, "funnelStage": stage, "eventType": name, "count": count}
        for (source, stage, name), count in truth.counts().items()
    ]
    return sorted(rows, key=lambda row: -row["count"])


def revenue_report(truth: Truth) -> list[dict[str, Any]]:
    return [
        {"source": source, "totalRevenue": str(of.total), "transactionCount": of.transactions}
        for source, of in truth.revenue().items()
    ]


def demographics_report(truth: Truth) -> dict[str, Any]:
    facebook, tiktok = truth.facebook(), truth.tiktok()
    return {
        "facebook": {
            "totalUsers": facebook.total_users,
            "age": dict(facebook.age),
            "gender": dict(facebook.gender),
            "location": top(facebook.location),
            "approximate": False,
            "standardErrorPercent": 0.0,
        },
        "tiktok": {
            "totalUsers": tiktok.total_users,
            "followers": dict(tiktok.followers),
            "device": dict(tiktok.device),
            "country": top(tiktok.country),
            "averageWatchSeconds": rounded(tiktok.average_watch_seconds),
            "averagePercentageWatched": rounded(tiktok.average_percentage_watched),
            "approximate": False,
            "standardErrorPercent": 0.0,
        },
    }


def rounded(average: Decimal | None) -> float | None:
    return None if average is None else float(round(average, 2))


def top(values: dict[str, int]) -> dict[str, int]:
    ranked = sorted(values.items(), key=lambda item: -item[1])
    return dict(ranked[:50]) | {"other": sum(users for _, users in ranked[50:])}
