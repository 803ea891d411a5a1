"""Sends canaries the whole way of an event, and looks whether they come through.

    sending.py ──HTTP──▶ gateway ──▶ stream ──▶ collector ──▶ Postgres ──▶ finding.py
         └──────────────── flights.py: which are under way, how old the youngest found one is

The reporter does this because it stands at the end of the way, and outside of every part of it but the last. Each
reporter sends canaries of its own and looks for those alone. So no two clocks are compared: the age of a canary is what
this process's clock says between sending and now.
"""
