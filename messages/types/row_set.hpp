#pragma once

#include "quire/messages/types/value.hpp"

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quire {

/// The names of the columns of a result, shared by all results of one statement: they
/// cannot be changed, only replaced. Any number of threads may read them.
class column_names {
public:
  column_names() = default;
  column_names(std::vector<std::string> names)
    : names_(std::make_shared<const std::vector<std::string>>(std::move(names))) {}
  column_names(std::initializer_list<std::string> names)
    : column_names(std::vector<std::string>{names}) {}

  operator const std::vector<std::string>&() const noexcept {
    static const std::vector<std::string> none;
    return names_ ? *names_ : none;
  }

  const std::vector<std::string>& list() const noexcept { return *this; }
  std::size_t size() const noexcept { return names_ ? names_->size() : 0; }
  bool empty() const noexcept { return size() == 0; }
  const std::string& operator[](std::size_t i) const noexcept { return (*names_)[i]; }
  const std::string& at(std::size_t i) const { return list().at(i); }
  auto begin() const noexcept { return list().begin(); }
  auto end() const noexcept { return list().end(); }

  friend bool operator==(const column_names& a, const column_names& b) {
    return a.names_ == b.names_ || a.list() == b.list();
  }

private:
  std::shared_ptr<const std::vector<std::string>> names_;
};

/// The rows that one statement returned, with the names of their columns.
struct row_set {
  column_names columns;
  std::vector<std::vector<value>> rows;

  friend bool operator==(const row_set&, const row_set&) = default;
};

} // namespace quire
