"""What is learnt from answered requests: the rows that were kept, and models that are tried beside the champion."""
