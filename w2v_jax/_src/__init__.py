"""What nobody should import: internals of the library."""
