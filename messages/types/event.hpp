#pragma once

#include <cstdint>

namespace quire {

/// Something that became true with a commit, for those who wait for it.
struct event {
  enum class topic : std::uint8_t {
    task_ready,    ///< Tasks may be claimed; `ref` is when, in Unix ms, 0 for now.
    task_finished, ///< The task `ref` reached a terminal state.
    task_cancel,   ///< Somebody asked the running task `ref` to stop.
    stage_ready,   ///< The stage `ref` waits for its tasks to be created.
    run_finished,  ///< The run `ref` reached a terminal state.
  };

  topic what = topic::task_ready;
  std::int64_t ref = 0;
};

} // namespace quire
