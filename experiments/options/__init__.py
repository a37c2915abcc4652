"""The flags, apart from what they are for: help and wrong flags need no JAX, and no wait."""
