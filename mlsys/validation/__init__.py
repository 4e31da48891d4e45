"""The spec's checks on new partitions, by Great Expectations, and what they set aside."""
