-- Whose turn it is goes by owner. All that the question needs is in the index.
DROP INDEX jobs_queued;
CREATE INDEX jobs_turns ON jobs (priority, owner, queue_time, seq, id) WHERE state = 0;
