"""The catalogue of a twin's datasets as OGC API – Records Part 1 (20-004r1): ``datasets``.

Records come first, STAC not at all: a STAC item is one scene with assets and one moment, while a
dataset here has revisions, terms and services, for which a record has members of its own; and the
same addresses answer clients of OGC API – Features, which most programs already speak.
"""
