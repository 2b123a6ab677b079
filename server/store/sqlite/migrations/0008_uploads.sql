-- The sessions of uploads that are received.
CREATE TABLE upload_sessions (
  id TEXT PRIMARY KEY NOT NULL,
  client TEXT NOT NULL,
  ended INTEGER NOT NULL,    -- 1: only its files are left
  expires INTEGER NOT NULL,
  record BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX upload_sessions_by_expiry ON upload_sessions (expires);
CREATE INDEX upload_sessions_by_client ON upload_sessions (client) WHERE ended = 0;
