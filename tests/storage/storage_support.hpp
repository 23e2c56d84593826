#pragma once

#include "quire/storage/sqlite/connection.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <optional>
#include <string>
#include <utility>

namespace quire::tests {

/// What `work` threw, if it threw a storage::error.
template <class Work>
std::optional<storage::error> failure_of(Work&& work) {
  try {
    std::forward<Work>(work)();
    return std::nullopt;
  } catch (const storage::error& failure) {
    return failure;
  }
}

/// Whether `work` throws a storage::error with `code`.
template <class Work>
bool fails_with(errc code, Work&& work) {
  auto failure = failure_of(std::forward<Work>(work));
  return failure && failure->code() == code;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Options that never wait for a lock.
inline storage::connection_options impatient(const std::string& path) {
  storage::connection_options options;
  options.path = path;
  options.patience = std::chrono::milliseconds{0};
  return options;
}

inline row_set rows_of(storage::connection& db, const std::string& sql) {
  return storage::snapshot{db}.query({sql, {}});
}

/// The first column of the first row.
inline value first_of(storage::connection& db, const std::string& sql) {
  return rows_of(db, sql).rows.at(0).at(0);
}

} // namespace quire::tests
