"""Puts the rooms of `POST /api/events` together."""

import msgspec

from gateway.actions.limits import RequestLimits
from gateway.actions.origin import Origins, hash_key_of
from gateway.actions.route import ActionsEndpoint
from gateway.actions.service import ActionService
from gateway.actions.settings import ActionSettings
from gateway.actions.telemetry import ActionTelemetry
from gateway.notifications.settings import NotificationSettings
from gateway.telemetry import SERVICE
from gateway.webhooks.assembly import Shared
from pipeline.chassis.health import Check
from pipeline.chassis.tokens import TokenSettings, TokenVerifier
from pipeline.live import LiveConnection, LiveSettings, RateLimits, RateLimitSettings


class SocialSettings(msgspec.Struct, frozen=True):
    """What the doors for apps and their users are told. Without tokens they are closed."""

    tokens: TokenSettings = TokenSettings()
    actions: ActionSettings = ActionSettings()
    rates: RateLimitSettings = RateLimitSettings()
    live: LiveSettings = LiveSettings()
    notifications: NotificationSettings = NotificationSettings()


def assemble_actions(
    settings: SocialSettings, verifier: TokenVerifier, shared: Shared
) -> tuple[ActionsEndpoint, dict[str, Check]]:
    """The endpoint, and the optional checks of what it does without when it must.

    Raises ConfigurationError.
    """
    limits = RateLimits(settings.rates.rate_limit_window_seconds, _connection(settings))
    endpoint = ActionsEndpoint(
        shared.bodies.with_limit(settings.actions.action_body_limit, "ACTION_BODY_LIMIT"),
        verifier,
        Origins(
            settings.actions.trusted_proxies,
            hash_key_of(settings.actions.address_hash_secret, settings.tokens.jwt_secret),
        ),
        RequestLimits(settings.rates, limits),
        ActionService(
            shared.event_size_limit,
            settings.actions.actions_per_request,
            shared.commit,
            shared.dead_letters,
            shared.telemetry,
        ),
        ActionTelemetry(shared.registry),
    )
    return endpoint, {"redis": limits.check} if settings.live.redis_url else {}


def _connection(settings: SocialSettings) -> LiveConnection | None:
    """A request waits for Redis no longer than it must."""
    if not settings.live.redis_url:
        return None
    timeout = min(settings.rates.rate_limit_timeout_seconds, settings.live.redis_timeout_seconds)
    return LiveConnection(msgspec.structs.replace(settings.live, redis_timeout_seconds=timeout), SERVICE)
