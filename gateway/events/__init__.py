"""The front door for events in our own format: `POST /events`."""
