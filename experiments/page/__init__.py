"""The page of results, which `w2v-jax report` writes."""
