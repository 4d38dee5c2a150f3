-- Version 1. Times are milliseconds since 1970; JSON stands where only we read it back.
CREATE TABLE settings (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  install TEXT NOT NULL,
  paused INTEGER NOT NULL,
  -- 1 while nobody has it open and it was closed in order.
  clean INTEGER NOT NULL
) STRICT;

-- Every job id ever given.
CREATE TABLE ids (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE leases (
  adapter TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  cursor TEXT,
  notes TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE seen (
  adapter TEXT NOT NULL,
  event TEXT NOT NULL,
  job TEXT,
  outcome TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (adapter, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_by_age ON seen (at);

-- What the queue is rebuilt from; everything larger is in `payloads`.
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  adapter TEXT NOT NULL,
  room TEXT NOT NULL,
  private INTEGER NOT NULL,
  model TEXT NOT NULL,
  checkpoint TEXT NOT NULL,
  workflow TEXT NOT NULL,
  cost INTEGER NOT NULL,
  created INTEGER NOT NULL,
  begin_by INTEGER NOT NULL,
  total INTEGER NOT NULL,
  keep INTEGER,
  state TEXT NOT NULL,
  cancelled_by TEXT,
  engine TEXT,
  failure TEXT,
  ended INTEGER,
  keep_until INTEGER,
  retracted INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Covers the whole question, its condition too, so that no row is read.
CREATE INDEX jobs_open ON jobs (
  number, id, owner, owner_name, adapter, room, private, model, checkpoint, workflow, cost,
  created, begin_by, total, cancelled_by, ended
) WHERE ended IS NULL;
CREATE INDEX jobs_ended ON jobs (ended, keep) WHERE ended IS NOT NULL;
CREATE INDEX jobs_by_owner ON jobs (owner, number, id);

CREATE TABLE payloads (
  number INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
  job TEXT NOT NULL
) STRICT;

CREATE TABLE parts (
  number INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
  part INTEGER NOT NULL,
  run_no INTEGER NOT NULL,
  engine TEXT,
  native TEXT,
  ending TEXT,
  spent INTEGER NOT NULL,
  PRIMARY KEY (number, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX parts_open ON parts (number, part, run_no, engine, ending) WHERE ending IS NULL;

-- Pictures that are still there.
CREATE TABLE artifacts (
  number INTEGER PRIMARY KEY,
  job TEXT NOT NULL,
  grid INTEGER NOT NULL,
  image INTEGER NOT NULL,
  media TEXT NOT NULL,
  thumbnail TEXT,
  artifact TEXT NOT NULL
) STRICT;
CREATE INDEX artifacts_by_job ON artifacts (job);
CREATE INDEX artifacts_by_media ON artifacts (media);
CREATE INDEX artifacts_by_thumbnail ON artifacts (thumbnail) WHERE thumbnail IS NOT NULL;

CREATE TABLE blobs (
  id TEXT PRIMARY KEY,
  mime TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX blobs_by_age ON blobs (at, id, bytes);

CREATE TABLE links (
  id TEXT PRIMARY KEY,
  job TEXT NOT NULL,
  media TEXT NOT NULL,
  image INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_job ON links (job);
CREATE INDEX links_by_age ON links (expires);

-- Which are due, in the order of their commit; what they say is in `words`.
CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  -- Differs between openings of the file, so that a restored copy never repeats an id.
  tag TEXT NOT NULL,
  adapter TEXT NOT NULL,
  slot TEXT NOT NULL,
  job TEXT,
  owner TEXT,
  open INTEGER NOT NULL,
  begun INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  expires INTEGER,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_due ON deliveries (adapter, seq, slot, not_before, expires) WHERE open = 1;
CREATE INDEX deliveries_later ON deliveries (adapter, not_before, expires)
  WHERE open = 1 AND not_before > 0;
CREATE INDEX deliveries_expiring ON deliveries (expires) WHERE open = 1 AND expires IS NOT NULL;
CREATE INDEX deliveries_by_slot ON deliveries (slot, seq, adapter, open, expires);
CREATE INDEX deliveries_by_job ON deliveries (job, seq) WHERE job IS NOT NULL;
CREATE INDEX deliveries_by_owner ON deliveries (owner, seq) WHERE owner IS NOT NULL;
CREATE INDEX deliveries_answers ON deliveries (at) WHERE open = 0 AND job IS NULL;

CREATE TABLE words (
  seq INTEGER PRIMARY KEY REFERENCES deliveries (seq) ON DELETE CASCADE,
  draft TEXT NOT NULL,
  state TEXT
) STRICT;

CREATE TABLE slots (
  slot TEXT PRIMARY KEY,
  -- Something terminal was said.
  ended INTEGER NOT NULL,
  shown TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that stand in rooms, for replies and reactions.
CREATE TABLE messages (
  adapter TEXT NOT NULL,
  room TEXT NOT NULL,
  native TEXT NOT NULL,
  job TEXT NOT NULL,
  media TEXT,
  PRIMARY KEY (adapter, room, native)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_by_job ON messages (job);
