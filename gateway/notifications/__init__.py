"""Notifications: what people are told, as it happens, over a WebSocket or as server-sent events.

hub.py         hears all notifications of the stream once and hands each to the clients of this process that it is for
subscriber.py  one client: what waits for it, and what it has missed
messages.py    what clients say and are told
topics.py      what a client may follow
admission.py   who a client is, and from where on it wants to be told
websocket.py   the first door, `WS /ws`
event_stream.py the second, `GET /notifications/stream`

docs/notifications.md is the protocol, for those who write clients.
"""
