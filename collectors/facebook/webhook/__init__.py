"""What Meta really delivers: Facebook pages, Instagram, WhatsApp, ad accounts, and the Conversions API's body.

1. `signature.py` believes a body or not, over its raw bytes; `handshake.py` answers the subscription.
2. `splitting.py` cuts a body into single updates, each spliced with what is known of its entry into one small JSON
   object: `{"object":…,"entry":{"id":…,"time":…},"change":{…}}`, or `messaging`, `standby`, `changed_field`,
   `conversion` in place of `change`. That is the format `facebook.webhook.v1`, and what is stored as the payload.
3. `update.py` reads such an object; `kinds/` holds the table of what is known, one row and one function a kind; and
   `format.py` makes the canonical record, with an id that is the same however often Meta sends it again.

docs/webhooks/facebook.md is the same table for people.
"""

from collectors.facebook.webhook.format import WEBHOOK_FORMAT
from collectors.facebook.webhook.handshake import answer_handshake
from collectors.facebook.webhook.signature import FacebookCredentials, knows, verify
from collectors.facebook.webhook.splitting import split
from pipeline.events.webhook import Webhook

WEBHOOK = Webhook(
    name="facebook",
    format=WEBHOOK_FORMAT.name,
    credentials=FacebookCredentials,
    knows=knows,
    verify=verify,
    split=split,
    handshake=answer_handshake,
)
