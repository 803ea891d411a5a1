"""What Meta delivers: pages, Instagram, WhatsApp, ad accounts, users, and the body of the Conversions API.

`mix.py` is the table of kinds, one function each in the other modules; `envelope.py` lays updates into a body in the
shapes that Meta uses; `maker.py` makes deliveries of both.
"""
