#pragma once

#include "quire/storage/sqlite/connection.hpp"
#include "quire/tests/support/seeded.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace quire::tests {

using file_bytes = std::vector<unsigned char>;

/// Returns the bytes of a file, none if it is missing. No connection may have it open.
file_bytes read_file(const std::string& path);

/// The files of a database that was closed with commits left in its write-ahead log.
/// Behind them the log holds frames of an earlier round, which no longer count.
struct database_image {
  /// A state that the log leads to.
  struct state {
    std::size_t frames = 0; ///< Of the log, up to and with this commit.
    std::string contents;
  };

  std::size_t page_size = 0;
  std::map<std::string, file_bytes> files; ///< By what follows the name of the database.
  std::vector<state> states;               ///< The first one needs no frame.

  /// Returns what a database with the log `wal` must show if nothing else is damaged: a
  /// log ends before its first frame that is not as it was written.
  const std::string& contents_with(const file_bytes& wal) const;
};

/// Makes a database with the tables of Quire and of an application.
database_image make_image(std::size_t page_size);

/// Returns what an application sees of its data and of the tasks.
std::string visible_contents(storage::connection& db);

/// Damages a copy of an image.
class file_damage {
public:
  file_damage(const database_image& image, std::uint64_t seed);

  const std::map<std::string, file_bytes>& files() const noexcept { return files_; }
  /// What was done, for people.
  const std::string& text() const noexcept { return text_; }
  /// Whether only what checksums protect was damaged, or what SQLite makes anew.
  bool log_only() const noexcept { return log_only_; }

private:
  void damage_database();
  void damage_log();
  void damage_index();
  void add_journal();
  void garble(file_bytes& file, std::size_t from, std::size_t to);
  void flip(file_bytes& file, std::size_t from, std::size_t to);
  void swap_blocks(file_bytes& file, std::size_t start, std::size_t size);
  std::size_t any_block(const file_bytes& file, std::size_t start, std::size_t size);

  const database_image* image_;
  seeded_choice chance_;
  std::map<std::string, file_bytes> files_;
  std::string text_;
  bool log_only_ = true;
};

} // namespace quire::tests
