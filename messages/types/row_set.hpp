#pragma once

#include "quire/messages/types/value.hpp"

#include <string>
#include <vector>

namespace quire {

/// The rows that one statement returned, with the names of their columns.
struct row_set {
  std::vector<std::string> columns;
  std::vector<std::vector<value>> rows;

  friend bool operator==(const row_set&, const row_set&) = default;
};

} // namespace quire
