"""The Neuromorphic Intermediate Representation (NIR), in and out.

NIR is a format in which programs exchange networks: Pedersen et al. 2024, Nat. Commun. 15, 8122. It
needs the package `nir`: python -m pip install "jsnn[nir]".
"""

from jsnn._extras import needed_by

with needed_by("jsnn.nir", "nir", '"jsnn[nir]"'):
    from jsnn.nir.reading import Reading, read
    from jsnn.nir.writing import Writing, write

__all__ = ["Reading", "Writing", "read", "write"]
