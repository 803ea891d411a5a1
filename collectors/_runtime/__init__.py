"""The collector process. It knows no source: it is given one.

    stream ──▶ reading.py ──▶ merged batch ──▶ writing.py ──▶ store
               decode, map      (queue of 1)     transaction, then settle

While one batch is being written the next one is fetched and decoded, so Postgres and Python work at the same
time. `writing.py` is where what failed is told apart: waited for, or bisected down to the event that is to blame.
"""
