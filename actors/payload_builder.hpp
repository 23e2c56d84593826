#pragma once

#include "quire/actors/templates.hpp"
#include "quire/messages/types/pipeline.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quire::actors {

/// The most bytes the payload of a task may have.
constexpr std::size_t payload_bytes_max = std::size_t{64} << 20;

/// Calls `visit` with each element of the list that a stage gave: the elements
/// of its lists, joined; what is no list counts as one element.
/// @param outputs JSON texts of the stage's tasks; an empty one is null.
/// An element is JSON without white space, as it is written.
/// @throws std::runtime_error if one is no JSON, or nested too deep.
void visit_elements(const std::string& stage, const std::vector<std::string>& outputs,
                    const std::function<void(std::string_view element)>& visit);

/// Makes the payloads of a stage's tasks. What does not depend on the item is
/// made once. Immutable: any thread may call it.
class payload_builder {
public:
  /// @param fanned_out the stages with for_each.
  /// @throws std::runtime_error if the values do not fit.
  payload_builder(const stage_spec& stage, const std::set<std::string>& fanned_out,
                  std::map<std::string, std::string> params,
                  const std::map<std::string, std::vector<std::string>>& outputs);

  /// Returns the payload for one item: JSON text.
  /// @throws std::runtime_error if the item does not fit, or if the payload is
  ///         over `payload_bytes_max`.
  std::string build(const std::string& item, std::int64_t index) const;

  /// Returns whether all tasks have the same payload.
  bool is_fixed() const noexcept;

  /// Returns whether an item is put into a place that takes no NUL byte.
  bool item_is_argument() const noexcept {
    return item_is_argument_;
  }

  /// Returns a number of bytes that no payload exceeds if no item is longer than
  /// `item_bytes`.
  std::size_t bytes_bound(std::size_t item_bytes) const noexcept;

private:
  // The output of a stage, in the form that its templates need.
  struct stage_value {
    std::string text;
    nlohmann::json value;
    bool is_list = false;
  };
  // A key of the payload object: either ready as JSON text, or made per item.
  struct member {
    std::string key; ///< Empty if the payload is no object.
    template_use use = template_use::payload;
    std::string ready;
    nlohmann::json pattern;
  };
  struct place {
    std::string path;
    template_use use;
  };

  void prepare(const nlohmann::json& task, const std::set<std::string>& fanned_out,
               const std::map<std::string, std::vector<std::string>>& outputs);
  void add_value(const template_part& part, bool fanned_out,
                 const std::vector<std::string>& outputs);
  void add_member(std::string key, const std::string& path, const nlohmann::json& value,
                  template_use use);
  nlohmann::json filled(const nlohmann::json& pattern, const place& at, const std::string& item,
                        std::int64_t index) const;
  nlohmann::json filled_text(const std::string& pattern, const place& at, const std::string& item,
                             std::int64_t index) const;
  std::string fill_part(const template_part& part, const place& at, const std::string& item,
                        std::int64_t index) const;
  [[noreturn]] void refuse(const std::string& path, const std::string& reason) const;

  std::string stage_;
  bool is_command_ = false;
  bool is_object_ = true;
  bool item_is_argument_ = false;
  std::size_t item_uses_ = 0;
  std::size_t fixed_bytes_ = 2; ///< Of a payload whose item is empty, at most.
  std::map<std::string, std::string> params_;
  std::map<std::string, stage_value> values_; ///< By the template's name.
  std::vector<member> members_;
};

} // namespace quire::actors
