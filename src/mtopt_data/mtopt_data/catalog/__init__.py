"""The catalog: a row an episode, appended by every recorder, asked in SQL, remade from the files.

In `<root>/catalog/`: `episodes.parquet` holds the rows up to the last compaction, sorted by id;
`places.txt` says of the same episodes where they lie, for programs that load no Parquet;
`journal.txt`, and what was rotated out of it, hold the rows since. Nothing in here is the only
copy of anything.
"""
