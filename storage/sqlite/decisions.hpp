#pragma once

#include "quire/storage/error.hpp"
#include "quire/storage/sqlite/lane_counts.hpp"

#include <string>

/// What the stores of decisions about queues, kinds, tenants and breakers have in common. For
/// this folder only.
namespace quire::storage {

/// @throws error with `errc::invalid_argument` unless `valid`; nothing may have been changed.
inline void require(bool valid, const char* what) {
  if (!valid)
    throw error(errc::invalid_argument,
                std::string{what} + "; nothing was changed; correct it and try again");
}

/// Adds what a lane has that has not ended to a record of which it is a part.
template <class Record>
void add_lane(Record& record, const lane_counts& lane) {
  record.ready += lane.ready;
  record.running += lane.running;
  record.blocked += lane.blocked;
  record.scheduled += lane.scheduled;
}

} // namespace quire::storage
