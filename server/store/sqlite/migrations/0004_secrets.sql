-- What jobs have of secrets: one sealed blob each, apart from the jobs' own records. What it
-- was sealed with is not here.
CREATE TABLE secrets (
  job INTEGER PRIMARY KEY NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
  sealed BLOB NOT NULL
) STRICT;
