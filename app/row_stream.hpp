#pragma once

#include "quire/messages/types/row_set.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quire {

/// The rows of one query, portion by portion, all of one moment; see `runtime::stream`. It
/// has a connection of its own while it lives. Its destruction ends it.
///
/// Not thread-safe. Must not outlive its runtime.
class row_stream {
public:
  row_stream(row_stream&&) noexcept;
  row_stream& operator=(row_stream&&) noexcept;
  ~row_stream();

  const std::vector<std::string>& columns() const noexcept;

  /// Returns the next rows, at least one; nothing after the last one. One more portion than
  /// was asked for is on its way.
  /// @throws failure: `snapshot_expired` when they were not taken within
  ///         `options::snapshot_lease`; those of a query. Nothing follows then.
  std::optional<std::vector<std::vector<value>>> next();

private:
  friend class runtime;
  struct impl;
  explicit row_stream(std::unique_ptr<impl> own);
  std::unique_ptr<impl> impl_;
};

} // namespace quire
