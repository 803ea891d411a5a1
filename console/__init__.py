"""The `sluice` program for operators: one module per command group.

`__main__.py` reads the settings and assembles the groups. A group asks the other parts of the system through the
packages of `pipeline/` and the services' HTTP interfaces, never by importing a service.
"""
