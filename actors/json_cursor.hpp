#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quire::actors {

/// A JSON value and its path: every complaint names the place. The value must
/// outlive the cursor. All functions throw pipeline_error.
class json_cursor {
public:
  json_cursor(const nlohmann::json& value, std::string path)
      : value_{&value}, path_{std::move(path)} {}

  const nlohmann::json& value() const noexcept {
    return *value_;
  }
  const std::string& path() const noexcept {
    return path_;
  }

  /// Refuses a value that is no object, and keys that are not in `known`.
  void expect_object(const std::vector<std::string>& known) const;
  /// Refuses a value that is no object.
  void expect_object() const;
  /// Refuses a value that is no list, or one with more or fewer elements.
  void expect_list(std::size_t size_min, std::size_t size_max) const;

  std::optional<json_cursor> find(const std::string& key) const;
  /// @throws pipeline_error if the key is missing.
  json_cursor at(const std::string& key) const;
  json_cursor element(std::size_t index) const;

  const std::string& text() const;
  bool flag() const;
  std::int64_t whole_number(std::int64_t least, std::int64_t most) const;
  double number(double least, double most) const;
  /// A text of letters, digits and `.`, `_`, `-`; 1 to 100 characters.
  const std::string& name() const;
  /// A text that is one of `known`.
  const std::string& one_of(const std::vector<std::string>& known) const;

  [[noreturn]] void refuse(const std::string& reason) const;
  [[noreturn]] void refuse_type(const std::string& expected) const;

private:
  const nlohmann::json* value_;
  std::string path_;
};

/// Refuses `name` at `path` if it is no name of a pipeline, stage or parameter.
void expect_name(std::string_view name, const std::string& path);

} // namespace quire::actors
