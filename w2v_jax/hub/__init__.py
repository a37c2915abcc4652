"""Models of the Hugging Face hub by their ids: only the encoder's bytes, once, into a cache that every folder shares.

Its modules, and what each hands on:

    ids       -> what a name such as OWNER/NAME@REVISION means
    cache     -> where converted encoders are, and which commit a revision was last
    client    -> requests, through huggingface_hub's session, token and endpoint; every failure in one line
    pieces    -> the parts of a file that have come, on disk
    remote_file, repository -> the files of a commit, as places that the readers of `convert` read (`convert.places`)
    obtaining -> from an id to a weight file in the cache

huggingface_hub (extra `hub`) is imported when the hub is asked, not before: what is in the cache needs no network.
"""
