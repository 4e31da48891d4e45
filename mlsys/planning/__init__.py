"""What a run will do, fixed before it begins: day, plan, and what stands in its way."""
