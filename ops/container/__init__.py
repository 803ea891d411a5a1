"""Operation in containers: the image's own scripts, and what is behind `./start.sh` where a container engine answers.

In the image: `entrypoint.sh` becomes the program that the command names, `healthcheck.py` asks it whether it is
ready, and `prune.sh` has made the image small.

On the host nothing but the standard library of Python is needed. `mode` chooses between containers and a local start,
`compose` calls Docker Compose of either generation, `containers` asks the engine how containers are, and `start`
brings everything up in order, with the same `.env` as a start without containers (`ops.local`).
"""
