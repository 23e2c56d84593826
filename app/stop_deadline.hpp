#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace quire {

/// Ends the process with status 75 unless it is destroyed in time: the last
/// resort of a shutdown that hangs. CAF waits for every actor, however long; a
/// supervisor of processes starts us again, and nothing committed is lost.
class stop_deadline {
public:
  explicit stop_deadline(std::chrono::milliseconds limit);
  stop_deadline(const stop_deadline&) = delete;
  stop_deadline& operator=(const stop_deadline&) = delete;
  ~stop_deadline();

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::thread watcher_;
};

} // namespace quire
