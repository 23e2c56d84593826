#include "quire/actors/wal_keeper.hpp"

#include "quire/actors/log.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

namespace {

using messages::wal_signal;
using kind = messages::wal_signal::kind;

constexpr auto service_name = "writer";
constexpr std::chrono::milliseconds probe_pause{5'000};
constexpr std::int64_t frame_header_bytes = 24;

std::string mebibytes(std::int64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

} // namespace

wal_keeper::wal_keeper(parts given) : parts_(std::move(given)), plan_(parts_.limits) {
  parts_.writes->refuse_nobody();
}

wal_keeper::~wal_keeper() {
  if (gate_ && parts_.reads)
    parts_.reads->open_gate();
}

std::int64_t wal_keeper::frame_bytes(storage::batch_executor& executor) {
  if (frame_bytes_ == 0)
    frame_bytes_ = executor.db().page_size() + frame_header_bytes;
  return frame_bytes_;
}

void wal_keeper::complain(const std::string& what) {
  note_ = what;
  log(log_level::warn, service_name, what);
}

void wal_keeper::before_batch() {
  // What is read from now on is read from the database file, and does not hold the log.
  if (moved_frames_ > 0 && parts_.reads)
    parts_.reads->close_kept();
}

void wal_keeper::after_batch(storage::batch_executor& executor, bool full) {
  last_write_ = parts_.clock->now();
  if (full && !disk_full_ && !can_write(executor))
    enter_disk_full();
  if (!parts_.enabled || disk_full_)
    return;
  try {
    checkpoint_if_due(executor);
    refuse_or_not(executor);
    look_when_idle();
  } catch (const storage::error& failure) {
    complain(std::string{"checkpoint failed: "} + failure.what());
  }
}

storage::connection::checkpoint_result wal_keeper::checkpoint(storage::connection& db,
                                                              bool truncate) {
  // Snapshots that are only kept would be in its way.
  if (parts_.reads)
    parts_.reads->close_kept();
  auto result = db.checkpoint(truncate);
  ++checkpoints_;
  last_checkpoint_ms_ = parts_.clock->unix_ms();
  return result;
}

void wal_keeper::checkpoint_if_due(storage::batch_executor& executor) {
  auto& db = executor.db();
  auto frames = db.wal_frames();
  auto each = frame_bytes(executor);
  moved_frames_ = 0;
  wal_bytes_max_ = std::max(wal_bytes_max_, frames * each);
  auto busy = parts_.writes->waiting() > 0;
  auto due = plan_.due(frames, each, busy, parts_.clock->now());
  switch (due) {
    case wal_plan::step::none: return;
    case wal_plan::step::move:
      if (checkpoint(db, false).complete)
        moved_frames_ = frames;
      plan_.moved(frames);
      return;
    case wal_plan::step::gate:
    case wal_plan::step::expire:
    case wal_plan::step::end: break;
  }
  if (gate_)
    return;
  // First: else who is ended begins another snapshot, which the gate then waits for.
  close_gate(due);
  if (due == wal_plan::step::expire)
    end_snapshots(parts_.limits.expire_age, parts_.limits.expire_bytes);
  else if (due == wal_plan::step::end)
    end_snapshots(std::chrono::milliseconds{0}, parts_.limits.end_bytes);
}

/// Ends the snapshots that are as old as `age` at least, since the log has passed `limit`.
void wal_keeper::end_snapshots(std::chrono::milliseconds age, std::int64_t limit) {
  if (!parts_.reads)
    return;
  for (auto& snapshot : parts_.reads->expire_older(age)) {
    ++expired_;
    complain("the write-ahead log has outgrown " + mebibytes(limit) + ": ended a snapshot of "
             + std::to_string(snapshot.age.count()) + " ms, held by: " + snapshot.what);
  }
}

void wal_keeper::close_gate(wal_plan::step why) {
  gate_ = why;
  auto number = ++gates_;
  parts_.send({kind::gate_over, number}, plan_.patience(why));
  if (parts_.reads)
    parts_.reads->close_gate([send = parts_.send, number] {
      send({kind::gate_clear, number}, {});
    });
  else
    parts_.send({kind::gate_clear, number}, {});
}

void wal_keeper::empty_log(storage::batch_executor& executor, wal_plan::step why) {
  // Whatever fails: readers are never held back for longer.
  struct opening {
    read_port* reads;
    ~opening() {
      if (reads)
        reads->open_gate();
    }
  };
  {
    opening gate{parts_.reads.get()};
    auto& db = executor.db();
    auto frames = db.wal_frames();
    try {
      checkpoint(db, true);
    } catch (const storage::error& failure) {
      complain(std::string{"checkpoint failed: "} + failure.what());
    }
    auto emptied = db.wal_frames() == 0;
    emptied_ += emptied ? 1 : 0;
    gates_failed_ += emptied ? 0 : 1;
    plan_.gate_tried(why, emptied, frames, parts_.clock->now());
  }
  refuse_or_not(executor);
}

/// Past the last limit nobody may make the log grow.
void wal_keeper::refuse_or_not(storage::batch_executor& executor) {
  if (disk_full_)
    return; // Everybody is refused already.
  auto frames = executor.db().wal_frames();
  auto refused = plan_.refused(frames, frame_bytes(executor));
  if (refused == refused_)
    return;
  refused_ = refused;
  if (!refused)
    return parts_.writes->refuse_nobody();
  auto why = "the write-ahead log has outgrown its limit (it has "
             + mebibytes(frames * frame_bytes(executor))
             + ", and open reads keep it from shrinking); nothing of the request was done";
  complain(why);
  parts_.writes->refuse(*refused, errc::wal_limit, why, parts_.limits.gate_interval);
  // Whoever is refused writes nothing that would make us look again.
  parts_.send({kind::look_again, 0}, parts_.limits.gate_interval);
}

void wal_keeper::look_when_idle() {
  if (!std::exchange(idle_watched_, true))
    parts_.send({kind::idle, 0}, parts_.limits.idle_after);
}

void wal_keeper::empty_if_idle(storage::batch_executor& executor) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  idle_watched_ = false;
  auto& db = executor.db();
  if (db.wal_frames() == 0)
    return;
  auto quiet = duration_cast<milliseconds>(parts_.clock->now() - last_write_);
  idle_watched_ = true;
  if (quiet < parts_.limits.idle_after)
    return parts_.send({kind::idle, 0}, parts_.limits.idle_after - quiet + milliseconds{1});
  checkpoint(db, true);
  // A reader is in the way: later.
  if (db.wal_frames() != 0)
    return parts_.send({kind::idle, 0}, parts_.limits.idle_after);
  idle_watched_ = false;
  ++emptied_;
  plan_.moved(0);
}

void wal_keeper::on_signal(wal_signal what, storage::batch_executor& executor) {
  try {
    switch (what.what) {
      case kind::gate_clear:
      case kind::gate_over:
        if (what.generation != gates_ || !gate_)
          return;
        return empty_log(executor, *std::exchange(gate_, std::nullopt));
      case kind::look_again:
        if (!refused_)
          return;
        // First: whatever fails now, those who are refused must not be for ever.
        parts_.send({kind::look_again, 0}, parts_.limits.gate_interval);
        checkpoint_if_due(executor);
        return refuse_or_not(executor);
      case kind::idle: return empty_if_idle(executor);
      case kind::probe: return probe(executor);
    }
  } catch (const storage::error& failure) {
    complain(std::string{"checkpoint failed: "} + failure.what());
    if (what.what == kind::idle)
      idle_watched_ = false; // The next commit watches again.
  }
}

bool wal_keeper::can_write(storage::batch_executor& executor) {
  try {
    executor.probe();
    return true;
  } catch (const storage::error& failure) {
    note_ = failure.what();
    return false;
  }
}

void wal_keeper::enter_disk_full() {
  disk_full_ = true;
  ++disk_full_times_;
  auto why = std::string{
    "the disk is full: writes are refused, and nothing of this one was done; reads go on. "
    "Free some space: writes are tried again every 5 s"};
  complain(why);
  parts_.writes->refuse(lane::control, errc::disk_full, why, probe_pause);
  parts_.send({kind::probe, 0}, probe_pause);
}

void wal_keeper::probe(storage::batch_executor& executor) {
  if (!disk_full_)
    return;
  try {
    if (parts_.enabled)
      checkpoint(executor.db(), true); // What it frees may be all that is needed.
  } catch (const storage::error&) {
    // The disk is as full as it was.
  }
  if (!can_write(executor))
    return parts_.send({kind::probe, 0}, probe_pause);
  disk_full_ = false;
  refused_.reset();
  complain("there is space on the disk again: writes go on");
  note_.clear();
  parts_.writes->refuse_nobody();
}

void wal_keeper::add_counters(service_status& status, storage::batch_executor& executor) const {
  std::int64_t frames = 0;
  try {
    frames = executor.db().wal_frames();
  } catch (const storage::error&) {
    // It is lost, which the note says.
  }
  auto each = std::max<std::int64_t>(frame_bytes_, 0);
  for (auto& [name, value] :
       std::initializer_list<counter>{{"wal_frames", frames},
                                      {"wal_bytes", frames * each},
                                      {"wal_bytes_max", wal_bytes_max_},
                                      {"checkpoints", checkpoints_},
                                      {"last_checkpoint_ms", last_checkpoint_ms_},
                                      {"wal_emptied", emptied_},
                                      {"gates", static_cast<std::int64_t>(gates_)},
                                      {"gates_failed", gates_failed_},
                                      {"snapshots_expired", expired_},
                                      {"disk_full_times", disk_full_times_}})
    status.counters.push_back({name, value});
}

} // namespace quire::actors
