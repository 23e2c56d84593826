#include "quire/storage/sqlite/raise.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace quire::storage {

namespace {

constexpr std::size_t sql_shown_max = 200;

std::string folder_of(const std::string& path) {
  auto folder = std::filesystem::path{path}.parent_path().string();
  return folder.empty() ? "." : folder;
}

bool allows(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

struct reason {
  errc code = errc::cannot_open;
  std::string text;
};

/// Why a file cannot be opened, as far as the file system can tell.
reason reason_not_opened(const std::string& path, bool writable) {
  std::error_code ignored;
  auto folder = folder_of(path);
  auto in_folder = "the folder '" + folder + "' ";
  if (!std::filesystem::exists(folder, ignored))
    return {errc::cannot_open, in_folder + "does not exist, or is not accessible"};
  if (!std::filesystem::is_directory(folder, ignored))
    return {errc::cannot_open, "'" + folder + "' is not a folder"};
  if (!allows(folder, X_OK))
    return {errc::cannot_open, in_folder + "may not be entered"};
  auto status = std::filesystem::status(path, ignored);
  if (!std::filesystem::exists(status))
    return {errc::cannot_open, writable && !allows(folder, W_OK)
                                 ? in_folder + "does not allow creating it"
                                 : "the file does not exist"};
  if (std::filesystem::is_directory(status))
    return {errc::cannot_open, "it is a folder, not a file"};
  if (!std::filesystem::is_regular_file(status))
    return {errc::cannot_open, "it is not a regular file"};
  if (!allows(path, R_OK))
    return {errc::cannot_open, "there is no permission to read it"};
  if (!allows(folder, W_OK))
    return {writable ? errc::read_only : errc::cannot_open,
            in_folder + "does not allow creating the write-ahead log beside it"};
  return {};
}

} // namespace

errc errc_from_sqlite(int code, int system_errno) noexcept {
  if (code == SQLITE_IOERR_CORRUPTFS)
    return errc::corrupt;
  if (code == SQLITE_IOERR_NOMEM)
    return errc::too_large;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return errc::busy;
    case SQLITE_CONSTRAINT: return errc::constraint;
    case SQLITE_CORRUPT:
    case SQLITE_FORMAT: return errc::corrupt;
    case SQLITE_NOTADB: return errc::not_a_database;
    case SQLITE_FULL: return errc::disk_full;
    case SQLITE_READONLY:
    case SQLITE_PERM: return errc::read_only;
    case SQLITE_CANTOPEN: return errc::cannot_open;
    case SQLITE_INTERRUPT: return errc::timeout;
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM: return errc::too_large;
    case SQLITE_INTERNAL: return errc::internal;
    case SQLITE_IOERR:
      return system_errno == ENOSPC || system_errno == EDQUOT ? errc::disk_full : errc::io;
    default: return errc::sql;
  }
}

std::string shortened(std::string_view text) {
  std::string line;
  for (char c : text) {
    bool space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!space)
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
    if (line.size() > sql_shown_max + 4) // No character has more than four bytes.
      break;
  }
  if (line.size() <= sql_shown_max)
    return line;
  auto end = sql_shown_max;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80)
    --end;
  return line.substr(0, end) + "...";
}

error make_error(sqlite3* db, int code, std::string_view sql) {
  std::string text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  if ((code & 0xff) == SQLITE_INTERRUPT)
    text = "stopped before its end, because its time was up";
  if ((code & 0xff) == SQLITE_AUTH)
    text += " (a request may not control transactions, attach databases, change settings or "
            "change Quire's own tables)";
  if ((code & 0xff) == SQLITE_BUSY)
    text = "another process kept the database locked for longer than our patience";
  if (!sql.empty())
    text += ", in: " + shortened(sql);
  return {errc_from_sqlite(code, db ? sqlite3_system_errno(db) : 0), text, code};
}

void raise(sqlite3* db, int code, std::string_view sql) {
  throw make_error(db, code, sql);
}

error make_open_error(const std::string& path, const error& cause, bool writable) {
  auto code = cause.code();
  std::string text = cause.what();
  if (code == errc::cannot_open || code == errc::read_only) {
    auto found = reason_not_opened(path, writable);
    if (!found.text.empty()) {
      code = found.code;
      text = found.text;
    }
  } else if (code == errc::not_a_database) {
    text = "it is not an SQLite database, or it is encrypted";
  } else if (code == errc::corrupt) {
    // Without the statement, which is ours.
    text = "it is damaged (" + text.substr(0, text.find(", in: ")) + ")";
  } else if (code == errc::busy) {
    text = "another process keeps it locked";
  }
  text = "cannot open the database '" + path + "': " + text + ". Nothing was changed; "
         + std::string{advice(code)} + ".";
  return {code, text, cause.sqlite_code()};
}

} // namespace quire::storage
