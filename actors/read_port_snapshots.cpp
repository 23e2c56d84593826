#include "quire/actors/read_port.hpp"

#include <algorithm>
#include <utility>

// What a read_port knows about the snapshots that are open.

namespace quire::actors {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

void read_port::open_snapshot_of(slot& reader, time_point now) {
  reader.has_snapshot = true;
  reader.keeps = false;
  reader.opened = now;
  reader.expire.store(false, std::memory_order_relaxed);
  ++snapshots_;
}

/// Returns who has waited for this one.
read_port::shared_function read_port::close_snapshot_of(slot& reader) {
  reader.batch.clear();
  reader.current.store(nullptr, std::memory_order_relaxed);
  reader.what.clear();
  if (!std::exchange(reader.has_snapshot, false))
    return nullptr;
  if (--snapshots_ == 0 && gate_closed_)
    return std::exchange(clear_, nullptr);
  return nullptr;
}

bool read_port::renew(const slot_pointer& reader) {
  std::lock_guard guard(mutex_);
  if (gate_closed_ || !reader->has_snapshot)
    return false;
  reader->opened = clock_->now();
  reader->expire.store(false, std::memory_order_relaxed);
  return true;
}

void read_port::done(const slot_pointer& reader) {
  shared_function clear;
  {
    std::lock_guard guard(mutex_);
    clear = close_snapshot_of(*reader);
  }
  if (clear)
    (*clear)();
}

bool read_port::give_back(const slot_pointer& reader, bool keeps) {
  shared_function clear;
  shared_function arm;
  {
    std::lock_guard guard(mutex_);
    if (keeps && gate_closed_)
      return false;
    clear = close_snapshot_of(*reader);
    reader->idle = true;
    reader->keeps = keeps;
    if (keeps)
      arm = kept_.once();
  }
  if (clear)
    (*clear)();
  if (arm)
    (*arm)();
  return true;
}

/// Returns those that keep a snapshot and have not been used since then: they are lent to the
/// caller.
std::vector<read_port::slot_pointer> read_port::claim_kept(std::optional<time_point> since) {
  std::vector<slot_pointer> result;
  for (auto& reader : readers_) {
    if (!reader->idle || !reader->keeps || (since && reader->opened >= *since))
      continue;
    reader->idle = false;
    open_snapshot_of(*reader, reader->opened);
    result.push_back(reader);
  }
  return result;
}

bool read_port::close_kept(std::optional<time_point> since) {
  std::vector<slot_pointer> kept;
  bool any = false;
  {
    std::lock_guard guard(mutex_);
    kept = claim_kept(since);
    any = std::ranges::any_of(readers_, [](const slot_pointer& x) { return x->keeps; });
    if (since) // Only whoever watches ends the watch.
      kept_.goes_on(any);
  }
  for (auto& reader : kept)
    reader->serve(nullptr, submitter::busy);
  return any;
}

void read_port::watch_kept(std::function<void()> arm) {
  std::lock_guard guard(mutex_);
  kept_.set(std::move(arm));
}

bool read_port::hold_snapshot(const slot_pointer& reader, const std::string& what) {
  std::lock_guard guard(mutex_);
  if (gate_closed_)
    return false;
  open_snapshot_of(*reader, clock_->now());
  reader->what = what;
  return true;
}

void read_port::close_gate(std::function<void()> clear) {
  std::vector<slot_pointer> kept;
  bool is_clear = false;
  {
    std::lock_guard guard(mutex_);
    gate_closed_ = true;
    kept = claim_kept(std::nullopt);
    is_clear = snapshots_ == 0;
    if (!is_clear)
      clear_ = std::make_shared<const std::function<void()>>(std::move(clear));
  }
  if (is_clear)
    clear();
  for (auto& reader : kept)
    reader->serve(nullptr, submitter::busy);
}

void read_port::open_gate() {
  std::vector<slot_pointer> woken;
  {
    std::lock_guard guard(mutex_);
    gate_closed_ = false;
    clear_ = nullptr;
    woken = woken_readers();
  }
  for (auto& reader : woken)
    reader->wake();
}

read_port::open_snapshot read_port::describe(const slot& reader, time_point now) const {
  open_snapshot result{duration_cast<milliseconds>(now - reader.opened), reader.what};
  if (auto* current = reader.current.load(std::memory_order_relaxed);
      current && result.what.empty())
    result.what = current->sql().empty() ? "a function of the program" : current->sql();
  return result;
}

std::optional<read_port::open_snapshot> read_port::oldest() const {
  std::lock_guard guard(mutex_);
  const slot* first = nullptr;
  for (auto& reader : readers_)
    if (reader->has_snapshot && (!first || reader->opened < first->opened))
      first = reader.get();
  if (!first)
    return std::nullopt;
  return describe(*first, clock_->now());
}

std::vector<read_port::open_snapshot> read_port::expire_older(milliseconds age) {
  std::vector<open_snapshot> result;
  std::vector<slot_pointer> woken;
  {
    std::lock_guard guard(mutex_);
    auto now = clock_->now();
    for (auto& reader : readers_) {
      if (!reader->has_snapshot || now - reader->opened < age || reader->expire.exchange(true))
        continue;
      result.push_back(describe(*reader, now));
      if (reader->kind == reader_kind::guest)
        woken.push_back(reader);
    }
  }
  // Readers look while they work; a guest may be waiting for whoever it serves.
  for (auto& reader : woken)
    reader->wake();
  return result;
}

} // namespace quire::actors
