#pragma once

#include "quire/messages/types/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quire::storage {

/// Outputs of tasks that are too large for the database: files in the folder `<database>-results`
/// beside it, one for each claim that had one. Whoever runs an attempt writes the file before
/// its end is written, so the writer has little to write, and what the database names is there.
/// A file that it does not name is removed by maintenance. Thread-safe; a value.
class result_files {
public:
  /// @param database path of the database file, as it was given.
  explicit result_files(const std::string& database);

  /// Writes an output; when this returns it survives a power cut.
  /// @returns its name, which the database keeps.
  /// @throws error: `disk_full`, `io`; then nothing is left of it.
  std::string put(task_id task, std::int64_t epoch, std::string_view output) const;

  /// Returns the output with this name; nothing if the file is not there.
  /// @throws error: `io`.
  std::optional<std::string> read(const std::string& name) const;

  /// Removes it, and the folder with the last one. Does nothing if it is not there.
  /// @throws error: `io`.
  void remove(const std::string& name) const;

  /// A file, and whose it is.
  struct entry {
    std::string name;
    task_id task;
    std::int64_t epoch = 0;
  };

  /// Returns all files in any order, those included that a process left unfinished; other
  /// people's files are not among them.
  std::vector<entry> list() const;

  /// Returns where the output with this name is.
  std::string path_of(const std::string& name) const;

private:
  std::string folder_;
};

} // namespace quire::storage
