"""What runs Sluice, as opposed to what Sluice is: local operation, and the configuration of the servers
around it."""
