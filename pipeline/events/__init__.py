"""The contract between the stages: what a source is, a record batch, a canonical record, a reason. Pure."""
