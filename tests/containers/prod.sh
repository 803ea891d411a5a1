#!/usr/bin/env bash
# The production overlay for real: what it refuses, that everything is healthy and an event travels, what each identity may not
# do, and that secrets and certificates are replaced while events come in and none is lost.
#
#   tests/containers/prod.sh          needs a container engine and docker-compose; without one it says so and ends with 0
#
# PROJECT (sluice-prod-test) names its containers and volumes, which are removed at the end; KEEP=1 leaves them.
# Where no registry of images is reachable: the same local stand-ins as for tests/containers/run.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "skipped: $*"; exit 0; }
docker info >/dev/null 2>&1 || skip "no container engine answers"
compose=(docker-compose)
command -v docker-compose >/dev/null || compose=(docker compose)
"${compose[@]}" version >/dev/null 2>&1 || skip "there is no docker-compose"

project=${PROJECT:-sluice-prod-test}
work=$(mktemp -d)
export DOCKER_BUILDKIT=0 COMPOSE_PROJECT_NAME=$project SLUICE_VERSION=${SLUICE_VERSION:-prod-test} CERTIFICATES_DIR=$work/certs
export GATEWAY_PORT=33101 REPORTER_PORT=33104 ALERTS_PORT=33107 PROMETHEUS_PORT=39190 GRAFANA_PORT=33100 NATS_PORT=34122 POSTGRES_PORT=35132
gateway=http://127.0.0.1:$GATEWAY_PORT reporter=http://127.0.0.1:$REPORTER_PORT
sluice=sluice:$SLUICE_VERSION

dc() { "${compose[@]}" --env-file "$work/env" -f docker-compose.yml -f compose.prod.yml -f tests/containers/stand-ins.yml "$@"; }
step() { echo "== $*"; }
fail() { echo "FAILED: $*" >&2; dc ps >&2 || true; exit 1; }
cleanup() {
  [[ ${KEEP:-} ]] || dc down --volumes --timeout 5 >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

value() { sed -n "s/^$1=//p" "$work/env"; }
replace() { sed -i "s|^$1=.*|$1=$2|" "$work/env"; } # NAME VALUE
until_true() { # SECONDS COMMAND...
  local deadline=$((SECONDS + $1)); shift
  until "$@"; do ((SECONDS < deadline)) || return 1; sleep 1; done
}
# Every container that runs is healthy, and every one that has ended did so well
all_healthy() {
  local id
  for id in $(dc ps -q); do
    case "$(docker inspect --format '{{.State.Status}} {{.State.ExitCode}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$id")" in
      "running 0 healthy" | "running 0 " | "exited 0"*) ;;
      *) return 1 ;;
    esac
  done
}
event() { # ID: an event of Facebook of now
  printf '{"eventId":"%s","timestamp":"%s","source":"facebook","funnelStage":"top","eventType":"ad.view","data":{"user":{"userId":"u-1","name":"Ada","age":34,"gender":"female","location":{"country":"Portugal","city":"Porto"}},"engagement":{"actionTime":"%s","referrer":"newsfeed","videoId":null}}}' \
    "$1" "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)"
}
send() { # ID: status 0 once it is accepted
  local key; key=$(value INGEST_API_KEYS)
  curl -sf -m 10 -o /dev/null -H "Authorization: Bearer ${key%%,*}" -H 'Content-Type: application/json' -d "[$(event "$1")]" "$gateway/events"
}
reported() { curl -sf -m 10 "$reporter/reports/events?source=facebook&from=2020-01-01" | grep -o '"count":[0-9]*' | cut -d: -f2 | paste -sd+ | bc; }
reports() { [[ $(reported) == "$1" ]]; }

step "image and certificates"
docker image inspect "$sluice" >/dev/null 2>&1 || docker build --network host -q -t "$sluice" --build-arg SLUICE_VERSION="$SLUICE_VERSION" . >/dev/null
CERTS=$CERTIFICATES_DIR ops/certificates.sh >/dev/null
docker run --rm "$sluice" sluice production secrets >"$work/good"

step "without a secret compose refuses, and names it"
refused_without() { # NAME [LINE]: with this line in its place
  { grep -v "^$1=" "$work/good"; echo "${2:-}"; } >"$work/env"
  if said=$(dc config -q 2>&1); then fail "it would start without $1"; fi
  grep -q "$1" <<<"$said" || fail "without $1 it says: $said"
}
while IFS= read -r name; do refused_without "$name"; done < <(cut -d= -f1 "$work/good")
refused_without JWT_SECRET JWT_SECRET=

# What the check has said. (A pipe into grep -q would end its writer early, which counts as a failure here.)
checked_says() { grep -q "$1" <<<"$(dc logs check-secrets 2>/dev/null)"; }

step "with a weak one nothing starts, and the check names it"
weak() { # NAME VALUE
  cp "$work/good" "$work/env"
  replace "$1" "$2"
  if dc up -d --no-build >"$work/said" 2>&1; then fail "$1=$2 was taken"; fi
  checked_says "$1" || fail "nobody said that $1 is at fault"
  [[ -z $(docker ps -q --filter "label=com.docker.compose.project=$project") ]] || fail "something runs in spite of $1"
  dc down --timeout 1 >/dev/null 2>&1
}
weak POSTGRES_PASSWORD sluice
weak GRAFANA_ADMIN_PASSWORD changeme-changeme
weak OPERATOR_API_KEYS "$(sed -n 's/^INGEST_API_KEYS=//p' "$work/good")"
mv "$CERTIFICATES_DIR/gateway/tls.key" "$work/away"
cp "$work/good" "$work/env"
if dc up -d --no-build >/dev/null 2>&1; then fail "it started without the gateway's key"; fi
checked_says gateway/tls.key || fail "nobody said that the gateway's key is missing"
dc down --timeout 1 >/dev/null 2>&1
mv "$work/away" "$CERTIFICATES_DIR/gateway/tls.key"

step "with good ones everything is healthy"
dc up -d --no-build >"$work/said" 2>&1 || { cat "$work/said"; fail "it does not start"; }
until_true 240 all_healthy || fail "not healthy"
[[ -z $(docker ps -q --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=publisher") ]] ||
  fail "made-up events are being published"
for port in $NATS_PORT $POSTGRES_PORT; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then fail "port $port of a server is published"; fi
done

step "an event travels"
[[ $(curl -s -o /dev/null -w '%{http_code}' -d '[]' "$gateway/events") == 401 ]] || fail "the gateway takes events without a key"
until_true 30 send first || fail "the gateway takes no event"
until_true 60 reports 1 || fail "the event is in no report"
dc run --rm -T console status >"$work/said" 2>&1 || true
grep -q EVENTS "$work/said" || { cat "$work/said"; fail "the console sees no stream"; }

step "NATS: no certificate, no entry; another's certificate, no events"
nats_try() { # CERTIFICATE or none: prints what came of publishing to events.facebook
  docker run --rm -i --network "${project}_servers" -v "$CERTIFICATES_DIR:/certs:ro" "$sluice" python - "$1" <<'PYTHON'
import asyncio, ssl, sys
import nats

async def main(name: str) -> None:
    context = ssl.create_default_context(cafile="/certs/clients/ca.crt")
    if name != "none":
        context.load_cert_chain(f"/certs/{name}/tls.crt", f"/certs/{name}/tls.key")
    refusals = []
    async def remember(error): refusals.append(str(error))
    try:
        client = await nats.connect("tls://nats:4222", tls=context, tls_handshake_first=True, allow_reconnect=False,
                                    max_reconnect_attempts=1, error_cb=remember, inbox_prefix=f"_INBOX.{name}")
        await client.publish("events.facebook", b"[]")
        await client.flush(); await client.flush()
    except Exception as error:
        print("no entry:", type(error).__name__); return
    print("refused" if any("permissions violation" in each for each in refusals) else "published")

asyncio.run(main(sys.argv[1]))
PYTHON
}
[[ $(nats_try none) == "no entry"* ]] || fail "NATS lets in who has no certificate"
for name in facebook-collector alerts topology backup; do
  [[ $(nats_try "$name") == refused ]] || fail "$name publishes to events.facebook"
done
[[ $(nats_try postgres) == "no entry"* ]] || fail "the certificate of a server opens NATS"

step "Postgres: TLS only, and each role its own work"
psql_as() { # ROLE PASSWORD TLS STATEMENT
  dc exec -T -e "PGPASSWORD=$2" -e "PGSSLMODE=$3" -e PGSSLROOTCERT=/run/tls/ca.crt postgres \
    psql -h localhost -U "$1" -d sluice -qAtc "$4" 2>&1
}
[[ $(psql_as sluice_reporter "$(value POSTGRES_REPORTER_PASSWORD)" verify-full 'SELECT 1') == 1 ]] || fail "the reporter cannot read"
grep -q 'rejects connection' <<<"$(psql_as sluice_reporter "$(value POSTGRES_REPORTER_PASSWORD)" disable 'SELECT 1' || true)" || fail "Postgres talks without TLS"
grep -q denied <<<"$(psql_as sluice_reporter "$(value POSTGRES_REPORTER_PASSWORD)" verify-full 'DELETE FROM events' || true)" || fail "the reporter deletes"
grep -q 'must be owner' <<<"$(psql_as sluice_collector "$(value POSTGRES_COLLECTOR_PASSWORD)" verify-full 'DROP TABLE events' || true)" || fail "a collector drops"
grep -q 'authentication failed' <<<"$(psql_as sluice sluice verify-full 'SELECT 1' || true)" || fail "the well-known password opens Postgres"

step "Redis: users, and keys that some may only read"
redis_as() { # USER PASSWORD COMMAND...
  local user=$1 password=$2; shift 2
  dc exec -T -e "REDISCLI_AUTH=$password" redis redis-cli --tls --cacert /run/own/ca.crt --user "$user" "$@" 2>&1
}
grep -q NOPERM <<<"$(redis_as gateway "$(value REDIS_GATEWAY_PASSWORD)" SET post:p:likes 1000000 || true)" || fail "the gateway changes counters"
grep -q NOPERM <<<"$(redis_as gateway "$(value REDIS_GATEWAY_PASSWORD)" MGET post:p:likes || true)" && fail "the gateway reads no counters"
grep -q NOPERM <<<"$(redis_as grafana "$(value REDIS_GRAFANA_PASSWORD)" DEL events:facebook || true)" || fail "dashboards delete"
grep -q ad.view <<<"$(redis_as grafana "$(value REDIS_GRAFANA_PASSWORD)" HGETALL events:facebook || true)" || fail "dashboards see no counters"
grep -qE 'NOAUTH|WRONGPASS' <<<"$(redis_as default sluice GET x || true)" || fail "the well-known password opens Redis"

step "everything is replaced while events come in, and none is lost"
sent=1
(
  number=0
  while [[ ! -f $work/enough ]]; do
    number=$((number + 1))
    # A sender tries again until it is told that the event is stored: twice is once
    until send "load-$number"; do sleep 0.5; done
    echo "$number" >"$work/number"
    sleep 0.1
  done
) &
sender=$!
for name in POSTGRES_COLLECTOR_PASSWORD POSTGRES_REPORTER_PASSWORD POSTGRES_ALERTS_PASSWORD; do replace "$name" "$(openssl rand -hex 24)"; done
replace REDIS_COLLECTOR_PASSWORD "$(openssl rand -hex 24)"
echo "REDIS_COLLECTOR_PASSWORD_OLD=$(sed -n 's/^REDIS_COLLECTOR_PASSWORD=//p' "$work/good")" >>"$work/env"
old_key=$(value INGEST_API_KEYS)
replace INGEST_API_KEYS "$(openssl rand -hex 24),$old_key"
dc up -d --no-build >"$work/said" 2>&1 || { cat "$work/said"; fail "new secrets are not taken"; }
CERTS=$CERTIFICATES_DIR ops/certificates.sh authority new >/dev/null
dc kill -s HUP nats >/dev/null 2>&1
dc restart -t 20 gateway fb-collector alerts >/dev/null 2>&1
until_true 240 all_healthy || fail "not healthy with two authorities"
CERTS=$CERTIFICATES_DIR ops/certificates.sh renew all >/dev/null
dc exec -T postgres sh /etc/sluice/start.sh key
dc kill -s HUP postgres nats >/dev/null 2>&1
dc restart -t 20 redis gateway fb-collector alerts reporter ttk-collector social-collector custom-collector >/dev/null 2>&1
CERTS=$CERTIFICATES_DIR ops/certificates.sh authority only >/dev/null
dc kill -s HUP nats >/dev/null 2>&1
dc restart -t 20 gateway fb-collector alerts reporter ttk-collector social-collector custom-collector >/dev/null 2>&1
until_true 240 all_healthy || fail "not healthy with new certificates"
touch "$work/enough"
wait "$sender"
sent=$((sent + $(cat "$work/number")))
until_true 60 reports "$sent" || fail "$sent events were accepted, $(reported) are in the report"
[[ $(psql_as sluice_collector "$(sed -n 's/^POSTGRES_COLLECTOR_PASSWORD=//p' "$work/good")" verify-full 'SELECT 1') == *"authentication failed"* ]] ||
  fail "the old password still opens Postgres"
echo "ok: $sent events, each once"
