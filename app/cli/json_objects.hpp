#pragma once

#include "quire/messages/types/pipeline.hpp"
#include "quire/messages/types/row_set.hpp"
#include "quire/messages/types/status.hpp"
#include "quire/messages/types/task.hpp"
#include "quire/storage/public_ids.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace quire::cli {

/// Keeps the order in which fields are written.
using json = nlohmann::ordered_json;

/// Null for what is absent, or empty.
template <class T>
json or_null(const std::optional<T>& x) {
  return x ? json(*x) : json(nullptr);
}
json or_null(const std::string& text);

/// A task with every field by its name; what is absent is null, times are Unix
/// milliseconds.
json to_json(const task_record& task);

/// The same with its public id.
json to_json(const task_record& task, const storage::public_ids& ids);

/// The same with payload, output and detail (as JSON where they are JSON, as
/// text otherwise) and the attempts.
json to_json(const task_details& details);

/// What is JSON as such, null for no text at all, anything else as a text.
json embedded(const std::string& text);

json to_json(const stage_record& stage);
json to_json(const run_record& run);
json to_json(const service_status& service);

/// One row of a query; a blob is `{"blob": "0a1b"}`. Of columns with equal
/// names the later ones get a number: `id`, `id_2`.
json row_to_json(const row_set& rows, std::size_t row);

/// One line. Bytes that are no UTF-8 are replaced.
std::string json_line(const json& object);

} // namespace quire::cli
