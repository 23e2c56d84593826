#pragma once

#include "quire/actors/task_handler.hpp"

#include <concepts>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace quire {

/// How a type of the application becomes the payload of a task, and back. To be specialized:
///
///     template <>
///     struct quire::payload_codec<resize> {
///       static std::string encode(const resize& x);
///       static resize decode(const std::string& text);  // throws if that is none
///     };
///
/// By convention payloads are JSON. Tasks outlive programs: `decode` should read what earlier
/// versions wrote.
template <class T>
struct payload_codec;

template <class T>
concept task_payload = requires(const T& x, const std::string& text) {
  { payload_codec<T>::encode(x) } -> std::convertible_to<std::string>;
  { payload_codec<T>::decode(text) } -> std::convertible_to<T>;
};

/// Returns a task of `kind` with `value` as its payload, for `runtime::enqueue`.
template <task_payload T>
task_spec task_of(std::string kind, const T& value) {
  task_spec spec;
  spec.kind = std::move(kind);
  spec.payload = payload_codec<T>::encode(value);
  return spec;
}

/// Returns a handler that calls `f(const T&, task_context&)`, for `options::handle`. A payload
/// that cannot be decoded fails its task at once (permanent): it would not get better.
template <task_payload T, class F>
  requires std::is_invocable_r_v<task_outcome, F&, const T&, task_context&>
task_handler typed_handler(F f) {
  return [f = std::move(f)](task_context& context) mutable {
    std::optional<T> value;
    try {
      value.emplace(payload_codec<T>::decode(context.task.payload));
    } catch (const std::exception& wrong) {
      return task_outcome::failure(std::string{"its payload cannot be read: "} + wrong.what(),
                                   error_class::permanent);
    }
    return f(std::as_const(*value), context);
  };
}

} // namespace quire
