#pragma once

// What a runtime is made of before it is one.

#include "quire/actors/service_tree.hpp"
#include "quire/app/opening.hpp"
#include "quire/app/options.hpp"
#include "quire/messages/caf_compat.hpp"

#include <cstdint>

namespace quire {

/// CAF's own defaults read a file of the working directory and spin idle threads.
struct system_config : caf::actor_system_config {
  system_config();
};

/// Returns `chosen` with everything filled in that was left to us.
/// @throws failure with `errc::invalid_argument`.
options checked(options chosen);

/// @throws failure
opened_database open_or_fail(const options& options);

actors::service_tree_options tree_options(const options& from, const opened_database& database);

/// Returns which client the calling thread is, if its requests do not say: the numbers of
/// actors are small ones.
std::uint64_t thread_number();

} // namespace quire
