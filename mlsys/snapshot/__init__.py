"""What a run may see: drops made immutable partitions, and one fingerprint over them."""
