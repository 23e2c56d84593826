#include "quire/app/stop_deadline.hpp"

#include "quire/actors/log.hpp"
#include "quire/actors/process_groups.hpp"

#include <unistd.h>

namespace quire {

namespace {

constexpr int exit_status = 75; // EX_TEMPFAIL of sysexits.h

} // namespace

stop_deadline::stop_deadline(std::chrono::milliseconds limit)
  : watcher_([this, limit] {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, limit, [this] { return stopped_; }))
        return;
      actors::log(actors::log_level::error, "runtime",
                  "closing did not end in time: the process ends now; what was committed is kept");
      actors::kill_all_programs();
      ::_exit(exit_status);
    }) {}

stop_deadline::~stop_deadline() {
  {
    std::lock_guard guard(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  watcher_.join();
}

} // namespace quire
