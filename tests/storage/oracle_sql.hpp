#pragma once

#include <span>

/// What the members of the oracle work on, and the statements they consist of. In a
/// statement `$k` and `$m` stand for keys, `$d` for a digit, `$w` for a word.
namespace quire::tests::oracle_sql {

extern const char* const tables;
extern const char* const triggers;

/// They succeed most of the time, and now and then find a key taken.
std::span<const char* const> usual();
/// They fail most of the time, in every way that SQLite knows, or keep a part.
std::span<const char* const> failing();
/// They end the transaction around them, or try to.
std::span<const char* const> spoiling();
/// They change the schema or the header of the file, or work on tables that come and go.
std::span<const char* const> schema();
/// They do not end by themselves.
std::span<const char* const> endless();
/// Words that mean something to the triggers, and words that do not.
std::span<const char* const> words();

} // namespace quire::tests::oracle_sql
