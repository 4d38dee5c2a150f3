-- Version 2. What rooms paint with where a request does not say.
CREATE TABLE rooms (
  adapter TEXT NOT NULL,
  room TEXT NOT NULL,
  defaults TEXT NOT NULL,
  PRIMARY KEY (adapter, room)
) STRICT, WITHOUT ROWID;
