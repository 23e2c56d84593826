-- What makes public ids of ids (see storage/public_ids.hpp). With another number all that
-- were given away are void.
INSERT INTO quire_meta(key, value) VALUES('public_key', random());
