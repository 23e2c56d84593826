#include "quire/storage/sqlite/connection.hpp"

#include "quire/storage/sqlite/connection_state.hpp"
#include "quire/storage/sqlite/raise.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

// What a connection does with the write-ahead log.

namespace quire::storage {

connection::checkpoint_result connection::checkpoint(bool truncate,
                                                     std::chrono::milliseconds patience) {
  auto& s = *state_;
  auto before = static_cast<int>(s.wal_frames);
  int frames = 0;
  int moved = 0;
  s.patient = patience.count() > 0;
  auto usual = std::exchange(s.patience, patience);
  auto code = sqlite3_wal_checkpoint_v2(
    s.db, "main", truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &frames,
    &moved);
  s.patient = true;
  s.patience = usual;
  if ((code & 0xff) == SQLITE_IOERR)
    s.log_in_doubt = true;
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
    raise(s.db, code, {});
  if (truncate && code == SQLITE_OK) {
    s.wal_frames = 0;
    return {true, before, before}; // SQLite counts in the log that is empty now.
  }
  frames = std::max(frames, 0); // -1 where SQLite could not even look.
  moved = std::max(moved, 0);
  return {code == SQLITE_OK && frames == moved, frames, moved};
}

bool connection::log_in_doubt() const noexcept {
  return state_->log_in_doubt;
}

void connection::rewrite_log() {
  auto* db = state_->db;
  state_->log_in_doubt = true;
  sqlite3_file* log = nullptr;
  auto check = [&](int code) {
    if (code != SQLITE_OK)
      throw error(code == SQLITE_NOMEM ? errc::too_large : errc::io,
                  "the write-ahead log could not be synchronized, and not written anew either ("
                    + std::string{sqlite3_errstr(code)}
                    + "); nothing is committed before that succeeds",
                  code);
  };
  check(sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log));
  if (log && log->pMethods) {
    constexpr int portion = 1 << 16;
    std::vector<char> bytes(portion);
    sqlite3_int64 size = 0;
    check(log->pMethods->xFileSize(log, &size));
    for (sqlite3_int64 at = 0; at < size; at += portion) {
      auto count = static_cast<int>(std::min<sqlite3_int64>(portion, size - at));
      check(log->pMethods->xRead(log, bytes.data(), count, at));
      check(log->pMethods->xWrite(log, bytes.data(), count, at));
    }
    check(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL));
  }
  state_->log_in_doubt = false;
}

/// Returns the index of the log, which SQLite has mapped; null if there is none.
const std::uint32_t* connection::map_log_index() {
  // Only a connection that has read from a file with a log says so. To ask for shared memory
  // that is not there would make some.
  auto mode = prepare("PRAGMA journal_mode");
  if (!mode->step() || mode->text(0) != "wal")
    return nullptr;
  constexpr int region_bytes = 32'768; // As SQLite maps it: what is mapped already is returned.
  constexpr int first_version_with_it = 2;
  sqlite3_file* file = nullptr;
  void volatile* region = nullptr;
  sqlite3_file_control(state_->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (!file || !file->pMethods || file->pMethods->iVersion < first_version_with_it
      || !file->pMethods->xShmMap
      || file->pMethods->xShmMap(file, 0, region_bytes, 0, &region) != SQLITE_OK)
    return nullptr;
  return static_cast<const std::uint32_t*>(const_cast<void*>(region));
}

std::optional<commit_stamp> connection::last_commit() {
  auto& s = *state_;
  if (!s.log_index)
    s.log_index = map_log_index();
  if (!s.log_index)
    return std::nullopt;
  // Others may be writing it. A mixture of two headers equals neither, and is taken for
  // another commit.
  commit_stamp result;
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = __atomic_load_n(s.log_index + i, __ATOMIC_ACQUIRE);
  return result;
}

std::int64_t connection::wal_frames() const noexcept {
  return state_->wal_frames;
}

} // namespace quire::storage
