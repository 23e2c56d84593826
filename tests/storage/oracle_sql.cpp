#include "quire/tests/storage/oracle_sql.hpp"

namespace quire::tests::oracle_sql {

const char* const tables = R"(
CREATE TABLE item(id INTEGER PRIMARY KEY, k INTEGER UNIQUE, v TEXT,
                  n INTEGER NOT NULL DEFAULT 0 CHECK(n < 50));
CREATE UNIQUE INDEX item_some ON item(v, n) WHERE n > 40;
CREATE INDEX item_abs ON item(abs(n));
CREATE TABLE typed(k INTEGER, v TEXT, r REAL) STRICT;
CREATE TABLE pair(a TEXT, b INTEGER, c NOT NULL, PRIMARY KEY(a, b)) WITHOUT ROWID;
CREATE TABLE loud(k INTEGER PRIMARY KEY ON CONFLICT FAIL, a UNIQUE ON CONFLICT ROLLBACK,
                  b UNIQUE ON CONFLICT REPLACE, c NOT NULL ON CONFLICT IGNORE,
                  d UNIQUE ON CONFLICT FAIL, up REFERENCES loud ON DELETE CASCADE);
CREATE TABLE parent(id INTEGER PRIMARY KEY, name UNIQUE);
CREATE TABLE cascaded(id INTEGER PRIMARY KEY, x CHECK(x <> 13),
                      p CHECK(p <> 31) REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE nulled(p REFERENCES parent ON DELETE SET NULL, q NOT NULL DEFAULT 1);
CREATE TABLE never_null(p NOT NULL REFERENCES parent ON DELETE SET NULL);
CREATE TABLE restricted(p REFERENCES parent ON DELETE RESTRICT);
CREATE TABLE under(c REFERENCES cascaded ON DELETE RESTRICT);
CREATE TABLE late(id INTEGER PRIMARY KEY, p REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE named(n TEXT REFERENCES parent(name) ON UPDATE CASCADE) STRICT;
CREATE TABLE tree(id INTEGER PRIMARY KEY,
                  up REFERENCES tree ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE old(id NUMERIC PRIMARY KEY);
CREATE TABLE tied(p REFERENCES old ON DELETE CASCADE);
CREATE TABLE doc(j);
CREATE INDEX doc_abs ON doc(abs(j));
CREATE TABLE numbered(id INTEGER PRIMARY KEY AUTOINCREMENT, v UNIQUE);
CREATE TABLE made(a, b INTEGER GENERATED ALWAYS AS (a % 7) STORED UNIQUE, c AS (a / 2) CHECK(c < 12));
CREATE TABLE note(k INTEGER UNIQUE, what TEXT);
CREATE VIEW seen AS SELECT k, v FROM item;
CREATE VIRTUAL TABLE words USING fts5(t);
CREATE VIRTUAL TABLE box USING rtree(id, low, high);
CREATE TABLE quire_commit(id INTEGER PRIMARY KEY, seq INTEGER, author INTEGER);
INSERT INTO quire_commit VALUES(1, 0, 0))";

const char* const triggers = R"(
CREATE TRIGGER noted AFTER INSERT ON item BEGIN
  INSERT OR IGNORE INTO note VALUES(new.k, 'inserted'); END;
CREATE TRIGGER refused AFTER INSERT ON item WHEN new.v = 'abort' BEGIN
  INSERT OR IGNORE INTO note VALUES(-new.k, 'refused'); SELECT RAISE(ABORT, 'refused'); END;
CREATE TRIGGER spoiled AFTER INSERT ON item WHEN new.v = 'rollback' BEGIN
  SELECT RAISE(ROLLBACK, 'spoiled'); END;
CREATE TRIGGER failed BEFORE INSERT ON item WHEN new.v = 'fail' BEGIN
  INSERT OR FAIL INTO note(k) VALUES(1000 + new.k), (1001 + new.k), (1000 + new.k); END;
CREATE TRIGGER stopped AFTER UPDATE ON item WHEN new.v = 'fail' BEGIN
  INSERT INTO note(k) VALUES(2000 + new.k); SELECT RAISE(FAIL, 'stopped'); END;
CREATE TRIGGER ignored BEFORE UPDATE ON item WHEN old.v = 'ignore' BEGIN
  INSERT OR REPLACE INTO note VALUES(new.k, 'ignored'); SELECT RAISE(IGNORE); END;
CREATE TRIGGER outer_one AFTER DELETE ON item BEGIN
  UPDATE pair SET c = c + 1 WHERE a = old.v; DELETE FROM note WHERE k = old.k; END;
CREATE TRIGGER inner_one AFTER UPDATE ON pair WHEN new.a = 'nested' BEGIN
  INSERT INTO numbered(v) VALUES(new.b); END;
CREATE TRIGGER innermost AFTER INSERT ON numbered WHEN new.v % 5 = 4 BEGIN
  SELECT RAISE(ABORT, 'innermost'); END;
CREATE TRIGGER through INSTEAD OF INSERT ON seen BEGIN
  INSERT INTO item(k, v) VALUES(new.k, new.v); INSERT INTO note VALUES(3000 + new.k, new.v); END;
CREATE TRIGGER orphaned AFTER DELETE ON cascaded WHEN old.x = 7 BEGIN
  SELECT RAISE(ROLLBACK, 'orphaned'); END)";

namespace {

const char* const words_list[] = {"a", "b", "c", "abort", "fail", "rollback", "ignore", "nested"};

const char* const usual_list[] = {
  "INSERT INTO item(k, v, n) VALUES($k, '$w', $d)",
  "INSERT INTO item(k, v) VALUES($k, '$w')",
  "INSERT INTO item(k) VALUES($k), ($m), ($k + $m)",
  "INSERT INTO item(k, v, n) VALUES($k, '$w', $d) ON CONFLICT(k) DO UPDATE SET n = n + excluded.n,"
  " v = excluded.v",
  "INSERT INTO item(k, v) VALUES($k, '$w'), ($m, 'b') ON CONFLICT DO NOTHING",
  "INSERT INTO item(k, v) SELECT k + 100, v FROM item WHERE k < $k",
  "INSERT INTO item(k) VALUES($k) RETURNING id, k, v, n",
  "INSERT OR REPLACE INTO item(k, v, n) VALUES($k, '$w', $m)",
  "INSERT OR IGNORE INTO item(k, v, n) VALUES($k, '$w', $m), ($m, 'c', NULL)",
  "UPDATE item SET n = n + $d WHERE k % 5 = $d % 5",
  "UPDATE item SET k = k + 1 WHERE k > $k",
  "UPDATE item SET v = '$w' WHERE k = $k",
  "UPDATE item SET n = n / 2 WHERE k < $k RETURNING k, n",
  "UPDATE item SET id = id + 1 WHERE k = $k",
  "DELETE FROM item WHERE k % 11 = $k % 11",
  "DELETE FROM item WHERE k >= 100 OR k = $k RETURNING *",
  "INSERT INTO pair VALUES('$w', $k, $d)",
  "INSERT OR REPLACE INTO pair VALUES('$w', $d, $k), ('nested', $k, $d)",
  "UPDATE pair SET b = b + 1 WHERE a = '$w'",
  "UPDATE pair SET c = $d WHERE b = $k",
  "DELETE FROM pair WHERE b % 4 = $d % 4",
  "INSERT INTO typed VALUES($k, '$w', $d)",
  "DELETE FROM typed WHERE rowid % 3 = $d % 3",
  "INSERT INTO loud VALUES($k, $m, $d, 1, $k + $m, NULL)",
  "INSERT INTO loud VALUES(NULL, NULL, $d, NULL, $k, 1), (NULL, NULL, $k, 1, $m, $d)",
  "DELETE FROM loud WHERE k % 3 = $d % 3",
  "INSERT INTO parent VALUES($k, 'n$k')",
  "INSERT OR IGNORE INTO parent VALUES($k, 'n$k'), ($m, 'n$m')",
  "INSERT INTO cascaded(p, x) SELECT id, $d FROM parent WHERE id % 4 = $d % 4",
  "INSERT INTO nulled(p) SELECT id FROM parent WHERE id % 4 = $d % 4",
  "INSERT INTO never_null(p) SELECT id FROM parent WHERE id % 9 = $d",
  "INSERT INTO restricted(p) SELECT id FROM parent WHERE id % 9 = $d",
  "INSERT INTO under(c) SELECT id FROM cascaded WHERE id % 9 = $d",
  "INSERT INTO named SELECT name FROM parent WHERE id % 5 = $d % 5",
  "INSERT INTO tree VALUES($k, NULL), ($k + 1, $k)",
  "DELETE FROM cascaded WHERE id % 3 = $d % 3",
  "DELETE FROM nulled WHERE rowid % 2 = $d % 2",
  "DELETE FROM restricted",
  "DELETE FROM under",
  "DELETE FROM never_null",
  "DELETE FROM late WHERE p > $k",
  "DELETE FROM named WHERE rowid % 2 = 0",
  "DELETE FROM tree WHERE id = $k",
  "DELETE FROM tree",
  "INSERT INTO doc VALUES($k)",
  "DELETE FROM doc",
  "INSERT INTO numbered(v) VALUES($k)",
  "DELETE FROM numbered WHERE v > $k",
  "INSERT INTO made(a) VALUES($k)",
  "DELETE FROM made WHERE b > $d",
  "INSERT INTO words(t) VALUES('$w and $w number$k'), ('$w')",
  "UPDATE words SET t = t || ' $w' WHERE rowid % 5 = $d % 5",
  "DELETE FROM words WHERE rowid % 3 = $d % 3",
  "INSERT OR REPLACE INTO box VALUES($k, $d, $d + $m)",
  "DELETE FROM box WHERE low > $d",
  "SELECT count(*), total(k), total(n) FROM item",
  "SELECT * FROM pair ORDER BY a, b LIMIT 5",
  "SELECT rowid, t FROM words WHERE words MATCH '$w' ORDER BY rowid",
  "SELECT id FROM box WHERE high > $k ORDER BY id",
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < $k) SELECT sum(x) FROM "
  "c",
};

const char* const failing_list[] = {
  "INSERT INTO item(k) VALUES($k + 40), ($k + 40)",
  "INSERT INTO item(k, n) VALUES($k, 1), ($m, NULL)",
  "INSERT INTO item(k, n) VALUES($k, 1), ($m, 99)",
  "INSERT OR REPLACE INTO item(k, n) VALUES($k, 1), ($m, 99)",
  "INSERT INTO item(k, v, n) VALUES($k, 'b', 44), ($m, 'b', 44)",
  "INSERT OR FAIL INTO item(k) VALUES($k + 1), ($k), ($k)",
  "INSERT OR FAIL INTO item(k) VALUES($k + 1), ($k), ($k) RETURNING k",
  "INSERT OR ABORT INTO item(k) VALUES($k + 1), ($k), ($k)",
  "INSERT INTO item(k, n) VALUES($m, 1), ($k, 1), ($m, 1) ON CONFLICT(k) DO UPDATE SET n = n + 49",
  "INSERT INTO item(k) VALUES($m), ($k) ON CONFLICT(k) DO UPDATE SET k = $d",
  "UPDATE item SET n = NULL WHERE k < $k",
  "UPDATE OR REPLACE item SET n = NULL, k = k / 2 WHERE k < $k",
  "UPDATE item SET n = n + 30",
  "UPDATE item SET k = $k",
  "UPDATE OR FAIL item SET k = k / 2 WHERE k BETWEEN $k AND $k + 9",
  "UPDATE OR REPLACE item SET k = k / 2 WHERE k BETWEEN $k AND $k + 9",
  "UPDATE OR IGNORE item SET k = k / 2 WHERE k BETWEEN $k AND $k + 9 RETURNING id, k",
  "UPDATE item SET v = 'x' || abs(-9223372036854775807 - (k = $k))",
  "UPDATE item SET id = 'x' WHERE k > $k",
  "INSERT INTO item(k, v) SELECT k + 200, v FROM item UNION ALL SELECT $k, 'b'",
  "INSERT INTO seen VALUES($k, '$w')",
  "INSERT INTO pair VALUES('$w', $k + 50, 1), ('$w', $k + 50, 2)",
  "INSERT INTO pair VALUES('$w', $k + 50, 1), ('$w', $k + 51, NULL)",
  "INSERT OR FAIL INTO pair VALUES('$w', $k + 60, 1), ('$w', $m, NULL)",
  "UPDATE pair SET b = $k",
  "INSERT INTO typed VALUES($k, 'a', 1), ('x', 'b', 2)",
  "INSERT INTO typed VALUES($k, $k, 1), ($m, x'00', 2)",
  "INSERT OR REPLACE INTO typed VALUES($k, 'a', 1), ($m, 'b', 'x')",
  "INSERT INTO typed(rowid, k) VALUES($k, 1), ($k + 1, 2), ($k, 3)",
  "UPDATE typed SET k = CASE WHEN rowid > $d THEN 'x' ELSE $k END",
  "INSERT INTO typed(v) SELECT value FROM (SELECT '[1, 2]' AS j UNION ALL SELECT '['), "
  "json_each(j)",
  "INSERT INTO typed(k) SELECT abs(sum(x)) FROM (SELECT 1 AS x, 1 AS g UNION ALL"
  " SELECT 9223372036854775807, 2 UNION ALL SELECT 1, 2) GROUP BY g",
  "UPDATE typed SET v = (SELECT group_concat(value) FROM json_each(iif(rowid % 3 = $d % 3, '[', "
  "'[1]')))",
  "INSERT INTO loud VALUES($k + 40, NULL, $d, 1, $k, NULL), ($k + 40, NULL, $m, 1, NULL, NULL)",
  "INSERT INTO loud VALUES($k, NULL, $d, 1, $m, $k), ($m, NULL, $d, 1, $m, $k)",
  "INSERT OR ABORT INTO loud VALUES($k, $m, $d, 1, $m, NULL), ($m, $m, $d, 1, $m, 77)",
  "INSERT OR REPLACE INTO loud SELECT k + 1, a, b, c, d, up FROM loud",
  "UPDATE loud SET d = $k, b = $d",
  "UPDATE OR FAIL loud SET b = $d, d = d / 2",
  "INSERT INTO parent VALUES($k + 50, 'x$k'), ($k + 50, 'y')",
  "INSERT INTO parent VALUES($k + 50, 'x$k'), ('x', 'y')",
  "INSERT OR IGNORE INTO parent VALUES($k + 50, 'x$k'), ('x', 'y')",
  "UPDATE parent SET id = 'x' WHERE id > $k",
  "DELETE FROM parent WHERE id = $k",
  "DELETE FROM parent WHERE id % 5 = $d % 5",
  "UPDATE parent SET id = id + 1 WHERE id = $k",
  "UPDATE OR FAIL parent SET id = id + 1 WHERE id > $k",
  "UPDATE parent SET name = x'00' || '$k' WHERE id = $k",
  "UPDATE parent SET name = CASE WHEN id > $k THEN x'0$d' ELSE 'm' || id END",
  "REPLACE INTO parent VALUES($k, 'n$m'), ($m, 'n$k')",
  "INSERT INTO cascaded(p) VALUES($k), ($m)",
  "INSERT OR IGNORE INTO cascaded(p) VALUES($k), ($m)",
  "INSERT INTO late(p) VALUES($k)",
  "INSERT INTO late(p) SELECT $k UNION ALL SELECT id FROM parent",
  "UPDATE late SET p = $k",
  "DELETE FROM cascaded WHERE p < $k",
  "INSERT INTO tree VALUES($k, $m)",
  "UPDATE tree SET up = id + 1",
  "INSERT OR IGNORE INTO old VALUES(4), (5)",
  "INSERT INTO tied VALUES('4.0')",
  "DELETE FROM old",
  "INSERT INTO doc VALUES($k), (-9223372036854775807 - 1)",
  "UPDATE doc SET j = -9223372036854775807 - (rowid > $d)",
  "INSERT INTO numbered(v) VALUES($k), ($m), ($k)",
  "INSERT INTO made(a) VALUES($k), ($k + 7)",
  "UPDATE made SET a = a + 7",
  "INSERT INTO words(rowid, t) VALUES($k, '$w'), ($k, 'twice')",
  "INSERT INTO words(words, rowid, t) VALUES('nonsense', $k, '$w')",
  "INSERT INTO box VALUES($k, 1, 2), ($m, 5, 2)",
  "INSERT OR IGNORE INTO box VALUES($k, 1, 2), ($k, 3, 4)",
  "UPDATE box SET id = $k",
  "INSERT INTO note VALUES($k, 'a'), (-$k, 'b'), ($k, 'c')",
  "SELECT nothing FROM nowhere",
  "INSERT INTO item(k) VALUES(?1)",
  "SELECT 1; SELECT 2",
  "SELECT abs(-9223372036854775807 - (k >= 0)) FROM item",
};

const char* const spoiling_list[] = {
  "INSERT OR ROLLBACK INTO item(k) VALUES($k), ($m), ($k)",
  "INSERT OR ROLLBACK INTO item(k, n) VALUES($k, NULL)",
  "UPDATE OR ROLLBACK item SET k = $k",
  "INSERT INTO loud VALUES(NULL, 1, $d, 1, NULL, NULL), (NULL, 1, $k, 1, NULL, NULL)",
  "INSERT OR ROLLBACK INTO pair VALUES('$w', $k, 1), ('$w', $k, 1)",
  "INSERT OR ROLLBACK INTO typed VALUES($k, 'a', 'x')",
  "INSERT INTO item(k, v) VALUES($k + 60, 'rollback')",
  "INSERT INTO seen VALUES($k + 60, 'rollback')",
  "COMMIT",
  "ROLLBACK",
  "BEGIN",
  "END",
  "SAVEPOINT quire_member",
  "RELEASE quire_member",
  "ROLLBACK TO quire_member",
  "VACUUM",
  "ATTACH ':memory:' AS other",
  "PRAGMA foreign_keys=OFF",
  "PRAGMA defer_foreign_keys=ON",
};

const char* const schema_list[] = {
  "CREATE TABLE extra_$d(x UNIQUE, y)",
  "CREATE TABLE IF NOT EXISTS extra_$d(x UNIQUE, y)",
  "CREATE TABLE extra_$d AS SELECT k, abs(-9223372036854775807 - (k = $k)) AS y FROM item",
  "DROP TABLE extra_$d",
  "DROP TABLE IF EXISTS extra_$d",
  "ALTER TABLE extra_$d ADD COLUMN more_$k DEFAULT $d",
  "ALTER TABLE extra_$d ADD COLUMN worse NOT NULL CHECK(worse > 1) DEFAULT $d",
  "ALTER TABLE extra_$d RENAME COLUMN y TO z",
  "ALTER TABLE extra_$d RENAME TO extra_1$d",
  "ALTER TABLE extra_$d DROP COLUMN y",
  "INSERT INTO extra_$d(x) VALUES($k), ($m)",
  "INSERT INTO extra_$d(x) SELECT k FROM item",
  "SELECT * FROM extra_$d",
  "CREATE UNIQUE INDEX extra_index ON item(v)",
  "CREATE UNIQUE INDEX extra_index ON typed(k)",
  "DROP INDEX IF EXISTS extra_index",
  "DROP INDEX extra_index",
  "CREATE INDEX bad_index ON doc(abs(j - 9223372036854775807))",
  "DROP INDEX bad_index",
  "REINDEX item",
  "CREATE VIEW extra_view_$d AS SELECT * FROM item",
  "DROP VIEW IF EXISTS extra_view_$d",
  "CREATE TEMP TABLE passing_$d(x UNIQUE)",
  "CREATE TEMP TABLE IF NOT EXISTS passing_$d(x UNIQUE)",
  "INSERT INTO passing_$d VALUES($k), ($m)",
  "INSERT OR ROLLBACK INTO passing_$d VALUES($k), ($k)",
  "SELECT * FROM passing_$d",
  "DROP TABLE passing_$d",
  "CREATE TEMP TRIGGER passing AFTER INSERT ON numbered WHEN new.v > 20 BEGIN"
  " INSERT OR FAIL INTO note(k) VALUES(5000), (5000); END",
  "DROP TRIGGER IF EXISTS passing",
  "CREATE TABLE IF NOT EXISTS lonely(id INTEGER PRIMARY KEY)",
  "CREATE TABLE IF NOT EXISTS lonely_child(p REFERENCES lonely)",
  "INSERT OR IGNORE INTO lonely VALUES($d)",
  "INSERT INTO lonely_child VALUES($d)",
  "DROP TABLE lonely",
  "PRAGMA user_version=$k",
  "PRAGMA user_version",
  "PRAGMA incremental_vacuum",
};

const char* const endless_list[] = {
  "WITH RECURSIVE n(i) AS (SELECT $k UNION ALL SELECT i + 1 FROM n) INSERT INTO note(k) SELECT i + "
  "9000 FROM n",
  "WITH RECURSIVE n(i) AS (SELECT $k UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0",
  "UPDATE pair SET c = (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "
  "count(*) FROM n)",
  "INSERT INTO words(t) SELECT '$w' UNION ALL"
  " SELECT * FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n "
  "WHERE i < 0)",
};

} // namespace

std::span<const char* const> usual() {
  return usual_list;
}
std::span<const char* const> failing() {
  return failing_list;
}
std::span<const char* const> spoiling() {
  return spoiling_list;
}
std::span<const char* const> schema() {
  return schema_list;
}
std::span<const char* const> endless() {
  return endless_list;
}
std::span<const char* const> words() {
  return words_list;
}

} // namespace quire::tests::oracle_sql
