"""What the tasks of the DAGs do: call the library, hand on records."""
