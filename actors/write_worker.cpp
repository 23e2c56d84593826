#include "quire/actors/write_worker.hpp"

#include "quire/actors/log.hpp"
#include "quire/storage/sqlite/upkeep.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

namespace {

using namespace messages;

constexpr auto service_name = "writer";

/// Between two looks whether another process still holds the write lock.
constexpr std::chrono::milliseconds lock_pause{1};

/// How long members of the next batch are waited for: a fraction of what a commit costs.
constexpr std::chrono::microseconds linger_normal{5};
constexpr std::chrono::microseconds linger_full{40};

} // namespace

write_worker::write_worker(write_worker_options options) : options_(std::move(options)) {
  storage::batch_executor::time_limit limit{
    [this] { member_deadline_ = options_.clock->now() + options_.write_limit; },
    [this] { return options_.clock->now() >= member_deadline_; }};
  executor_.emplace(options_.open, std::move(limit));
}

write_worker::~write_worker() {
  close();
}

void write_worker::attach(write_worker_hooks hooks) {
  std::lock_guard guard(in_use_);
  hooks_ = std::move(hooks);
  // The port must not keep it.
  attached_ = options_.port->attach(hooks_.wake,
                                    [weak = weak_from_this()](submitter who, std::uint64_t client) {
                                      if (auto self = weak.lock())
                                        self->lend(who, client);
                                    });
  wal_keeper::parts parts;
  parts.enabled = options_.checkpoints;
  parts.limits = options_.wal;
  parts.clock = options_.clock;
  parts.writes = options_.port;
  parts.reads = options_.reads;
  parts.send = hooks_.signal_later;
  wal_.emplace(std::move(parts));
}

void write_worker::publish(const std::vector<storage::member_result>& results) {
  committed news;
  for (auto& result : results) {
    if (result.failure)
      continue;
    news.commit_seq = std::max(news.commit_seq, result.commit_seq);
    news.events.insert(news.events.end(), result.events.begin(), result.events.end());
  }
  if (!news.events.empty())
    hooks_.publish(news);
}

/// The same; what was committed is committed, whether it can be told or not.
void write_worker::publish_if_possible(const std::vector<storage::member_result>& results) {
  try {
    publish(results);
  } catch (const std::exception& failure) {
    // Subscribers look from time to time although nobody told them.
    note_ = std::string{"a commit could not be published: "} + failure.what();
    log(log_level::warn, service_name, note_);
  }
}

/// Takes what is next, unless something is left that another process keeps from running.
bool write_worker::have_batch() {
  if (!batch_.empty())
    return true;
  // Clients that were answered together send their next requests one after the other: who
  // began with the first one would commit it alone, and all others once more.
  auto expected = options_.port->last_members();
  if (expected > 1 && options_.lingers)
    options_.port->linger(expected, last_full_ ? linger_full : linger_normal);
  batch_ = options_.port->take(options_.batch_members_max);
  return !batch_.empty();
}

/// Another process holds the write lock: looks again a little later. Meanwhile requests are
/// accepted, cancelled and given up when their time is over.
void write_worker::wait_for_lock() {
  auto now = options_.clock->now();
  if (!locked_since_) {
    locked_since_ = now;
    ++lock_waits_;
  }
  auto patience_over = now - *locked_since_ >= options_.patience;
  for (auto& request : batch_) {
    auto why = request->stopped();
    if (!patience_over && !why)
      continue;
    // Before it goes: whoever cancels looks at those that the port knows.
    options_.port->forget(*request);
    if (patience_over)
      request->fail(
        to_caf(storage::error(errc::busy, "another process kept the database locked for longer "
                                          "than our patience; nothing of the request was done")));
    else
      request->fail(
        make_failure(*why == errc::cancelled ? errc::cancelled : errc::expired,
                     "given up while another process kept the database locked; nothing of "
                     "the request was done"));
    locked_errors_ += patience_over ? 1 : 0;
    request.reset();
  }
  std::erase(batch_, nullptr);
  if (patience_over)
    locked_since_.reset();
  hooks_.wake_later(lock_pause);
}

/// Commits and answers what was taken. Returns false if another process has the lock: then
/// `flush` is called later.
bool write_worker::commit_batch(bool patient) {
  auto began = options_.clock->now();
  members_.clear();
  last_full_ = false;
  for (auto& request : batch_) {
    request->begin();
    last_full_ = last_full_ || request->sync() == durability::full;
    members_.push_back(request.get());
  }
  wal_->before_batch();
  auto done = patient ? std::optional{executor_->execute(members_)}
                      : executor_->execute_unless_locked(members_);
  if (!done) {
    for (auto& request : batch_)
      request->put_back();
    wait_for_lock();
    return false;
  }
  locked_since_.reset();
  auto& results = *done;
  options_.port->finished(results.size(), options_.clock->now() - began);
  // Before the answers: whoever acts on an answer finds the services informed.
  publish_if_possible(results);
  for (std::size_t i = 0; i < results.size(); ++i)
    batch_[i]->answer(results[i]);
  batch_.clear();
  auto full = std::ranges::any_of(results, [](const storage::member_result& result) {
    return result.failure && result.failure->code() == errc::disk_full;
  });
  wal_->after_batch(*executor_, full);
  return true;
}

bool write_worker::flush() {
  // First: who is lent the writer may need a while, and this thread has other things to do.
  if (!options_.port->start())
    return false;
  std::lock_guard guard(in_use_);
  if (broken_)
    std::rethrow_exception(std::exchange(broken_, nullptr));
  return executor_ && !held_ && have_batch() && commit_batch(false);
}

/// Leaves all to the writer.
void write_worker::leave() {
  options_.port->hand_over(attached_);
  hooks_.wake();
}

/// Executes what waits on the thread of whoever brought the last of it. What nobody planned
/// is no matter of his: it ends the writer, as it would have there.
void write_worker::lend(submitter who, std::uint64_t client) {
  std::unique_lock guard(in_use_, std::try_to_lock);
  if (!guard) // A checkpoint, say: that is not his to wait for.
    return leave();
  try {
    serve_lent(who, client);
  } catch (...) {
    broken_ = std::current_exception();
    leave();
  }
}

/// The functions of others are left to the writer: this thread may hold what they wait for, and
/// so may an actor with its own.
void write_worker::serve_lent(submitter who, std::uint64_t client) {
  auto& port = *options_.port;
  if (!executor_)
    return; // Closed meanwhile: the next writer looks after all this.
  if (held_ || !batch_.empty())
    return leave();
  batch_ = port.take(options_.batch_members_max);
  if (batch_.empty())
    return;
  auto suits = [&](auto& x) {
    return x->data() || (who == submitter::blocked && x->client == client);
  };
  if (!std::ranges::all_of(batch_, suits))
    return leave();
  if (!commit_batch(false))
    return port.hand_over(attached_); // It will be woken when it is time to try again.
  if (!port.rest(attached_))
    hooks_.wake();
}

writes_held write_worker::hold() {
  std::lock_guard guard(in_use_);
  if (held_ || !executor_)
    throw storage::error(errc::unavailable, "the writes are held already");
  executor_->hold();
  held_ = true;
  return {++holds_, executor_->commit_seq()};
}

void write_worker::release(std::uint64_t number) {
  std::lock_guard guard(in_use_);
  if (!executor_)
    return;
  if ((number == holds_ || number == 0) && std::exchange(held_, false))
    executor_->release();
  hooks_.wake(); // Who came meanwhile waits, whether it was told or not.
}

bool write_worker::held() const {
  std::lock_guard guard(in_use_);
  return held_;
}

upkeep_done write_worker::look_after(const upkeep_request& request) {
  std::lock_guard guard(in_use_);
  try {
    auto& db = executor_.value().db();
    if (request.optimize)
      storage::optimize(db);
    if (!options_.checkpoints)
      return {};
    auto result = wal_->checkpoint(db, request.truncate);
    return {result.frames, result.moved};
  } catch (const storage::error& failure) {
    note_ = failure.what();
    throw;
  }
}

void write_worker::on_signal(wal_signal what) {
  std::lock_guard guard(in_use_);
  if (!executor_)
    return;
  if (held_) // Checkpoints have to wait, too.
    hooks_.signal_later(what, lock_pause);
  else
    wal_->on_signal(what, *executor_);
}

service_status write_worker::report() {
  std::lock_guard guard(in_use_);
  service_status status{service_name, "running", 0, {}, note_};
  if (!executor_)
    return status;
  auto& totals = executor_->totals();
  status.counters = {
    {"commits", totals.commits},
    {"members", totals.members},
    {"batch_max", totals.batch_max},
    {"failed", totals.failed},
    {"replays", totals.replays},
    {"locked_errors", totals.locked_errors + locked_errors_},
    {"lock_waits", lock_waits_},
    {"commit_seq", static_cast<std::int64_t>(executor_->commit_seq())},
    {"waiting", static_cast<std::int64_t>(options_.port->waiting())},
    {"lent", options_.port->lent()},
  };
  try {
    auto& statements = executor_->db().statements();
    status.counters.push_back({"statements_hit", static_cast<std::int64_t>(statements.hits())});
    status.counters.push_back(
      {"statements_missed", static_cast<std::int64_t>(statements.misses())});
  } catch (const storage::error& failure) {
    status.note = failure.what(); // The connection is lost; the next batch tries to open it again.
  }
  wal_->add_counters(status, *executor_);
  if (!wal_->note().empty())
    status.note = wal_->note();
  if (wal_->disk_full()) {
    status.state = "degraded";
    status.counters.push_back({"trouble", static_cast<std::int64_t>(errc::disk_full)});
  }
  return status;
}

void write_worker::finish() {
  release(0);
  {
    std::lock_guard guard(in_use_); // Whoever is lent it now is done then.
    // What broke may have committed what was taken: it must not be executed again.
    while (executor_ && !broken_ && have_batch() && commit_batch(true)) {
    }
  }
  close();
}

void write_worker::close() {
  std::lock_guard guard(in_use_);
  options_.port->detach(attached_);
  batch_.clear();
  executor_.reset();
}

} // namespace quire::actors
