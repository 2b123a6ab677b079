-- The policy, and what its limits need counted.

CREATE TABLE policy (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  record BLOB NOT NULL
) STRICT;

-- How many live jobs there are (state below 7: neither ACKNOWLEDGED nor CANCELLED), by owner; those
-- of all together stand beside. Kept by triggers, so that no write of a job can forget it.
CREATE TABLE live_jobs (
  owner TEXT PRIMARY KEY NOT NULL,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE live_total (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  count INTEGER NOT NULL
) STRICT;

INSERT INTO live_jobs (owner, count)
  SELECT owner, count(*) FROM jobs WHERE state < 7 GROUP BY owner;
INSERT INTO live_total (id, count) SELECT 1, count(*) FROM jobs WHERE state < 7;

CREATE TRIGGER live_jobs_insert AFTER INSERT ON jobs WHEN new.state < 7 BEGIN
  INSERT INTO live_jobs (owner, count) VALUES (new.owner, 1)
    ON CONFLICT (owner) DO UPDATE SET count = count + 1;
  UPDATE live_total SET count = count + 1;
END;

CREATE TRIGGER live_jobs_delete AFTER DELETE ON jobs WHEN old.state < 7 BEGIN
  UPDATE live_jobs SET count = count - 1 WHERE owner = old.owner;
  DELETE FROM live_jobs WHERE owner = old.owner AND count = 0;
  UPDATE live_total SET count = count - 1;
END;

CREATE TRIGGER live_jobs_end AFTER UPDATE OF state, owner ON jobs
WHEN old.state < 7 AND (new.state >= 7 OR new.owner <> old.owner) BEGIN
  UPDATE live_jobs SET count = count - 1 WHERE owner = old.owner;
  DELETE FROM live_jobs WHERE owner = old.owner AND count = 0;
  UPDATE live_total SET count = count - 1;
END;

CREATE TRIGGER live_jobs_begin AFTER UPDATE OF state, owner ON jobs
WHEN new.state < 7 AND (old.state >= 7 OR new.owner <> old.owner) BEGIN
  INSERT INTO live_jobs (owner, count) VALUES (new.owner, 1)
    ON CONFLICT (owner) DO UPDATE SET count = count + 1;
  UPDATE live_total SET count = count + 1;
END;
