"""Before a start in production: is every secret there, good, and nobody else's, and does every certificate fit?

`secrets.py` is the one list of all secrets; `certificates.py` that of all certificates. compose.prod.yml has a service
that runs `sluice production check`, and on which all others wait.
"""
