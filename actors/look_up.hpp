#pragma once

#include "quire/actors/base.hpp"
#include "quire/actors/waiters.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quire::actors {

/// Whom a service tells when objects have ended.
template <class Id, class Record>
struct awaited {
  const char* what;                                    ///< `task`: for messages to people.
  std::optional<Record> (*find)(storage::snapshot& db, Id object);
  waiters<Id, promise<Record>> waiting;

  /// So many may wait; also requesters that went away count until the end of what
  /// they waited for.
  static constexpr std::size_t waiting_max = 100'000;

  /// Answers the request that is being handled when `object` has ended. A look-up
  /// follows.
  template <class Self>
  caf::result<Record> add(Self* self, Id object) {
    if (waiting.count() >= waiting_max)
      return make_failure(errc::overloaded, std::string{"too many wait for the end of a "} + what
                                              + " already; try again later");
    waiting.add(object, promise_to_sender<Record>(self));
    return caf::delegated<Record>{};
  }

  void answer(Id object, const std::optional<Record>& record) {
    if (record && !is_terminal(record->state))
      return;
    for (auto& who : waiting.take(object)) {
      if (record)
        who.deliver(*record);
      else
        who.fail(make_failure(errc::not_found, std::string{"there is no "} + what + " "
                                                 + std::to_string(object.value)));
    }
  }
};

/// Looks at the objects that somebody waits for and that something happened to,
/// and answers for those that have ended. `get(self)` returns the `awaited` of
/// the service.
template <class Self, class Get>
void look_up(Self* self, const messages::reader_pool_actor& readers,
             std::chrono::milliseconds timeout, Get get) {
  constexpr std::size_t at_once = 256;
  auto& awaited = get(self);
  auto objects = awaited.waiting.begin_look_up(at_once);
  if (objects.empty())
    return;
  auto read = [objects, find = awaited.find](storage::snapshot& db) {
    std::vector<decltype(find(db, objects.front()))> records;
    for (auto object : objects)
      records.push_back(find(db, object));
    return records;
  };
  read_then(
    self, readers, timeout, std::move(read),
    [=](const auto& records) {
      auto& found = get(self);
      found.waiting.end_look_up();
      for (std::size_t i = 0; i < objects.size(); ++i)
        found.answer(objects[i], records[i]);
      look_up(self, readers, timeout, get);
    },
    [=](const caf::error& error) {
      auto& waiting = get(self).waiting;
      waiting.end_look_up();
      for (auto object : objects) {
        if (retryable(code_of(error))) {
          waiting.changed(object); // Together with the next look-up.
          continue;
        }
        for (auto& who : waiting.take(object))
          who.fail(error);
      }
    });
}

} // namespace quire::actors
