"""Front ends by name, and what they are compared with."""
