"""`sluice webhooks`: who may deliver, and why a signature is refused. Nothing here ever shows a secret.

`doors.py` finds the webhook that a delivery is for, with what is configured for it. The verdict is always that of the
webhook's own `verify`, the one that the gateway asks. `diagnosis.py` says in words what is wrong; it asks the same
function again with bodies and secrets that are likely to have been meant (`variants.py`). `rules.py` knows what each
provider's headers look like, `signing.py` makes such headers, `contents.py` tells what a body holds, and `command.py`
has the commands.
"""
