#include "quire/actors/read_worker.hpp"

#include "quire/actors/log.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

namespace quire::actors {

namespace {

using namespace std::chrono_literals;

/// Requests that are answered on one snapshot, at most,
constexpr std::size_t batch_max = 64;
/// and for so long, at most, before another one is begun.
constexpr auto snapshot_round = 20ms;

/// A snapshot that nothing was committed after is kept for so long, at most, for the next
/// requests; others may wait for its end.
constexpr auto kept_for = 10ms;

constexpr auto no_budget = std::chrono::microseconds::max();

std::string seconds_text(std::chrono::milliseconds time) {
  std::ostringstream text;
  text << static_cast<double>(time.count()) / 1000.0 << " s";
  return text.str();
}

} // namespace

read_worker::~read_worker() {
  close();
}

void read_worker::open() {
  std::lock_guard guard(in_use_);
  open_now();
}

void read_worker::open_now() {
  db_.emplace(options_.open());
  db_->limit_running([this] { return over(); });
}

void read_worker::attach(std::function<void()> wake) {
  auto slot = options_.port->attach(options_.kind, std::move(wake));
  std::lock_guard guard(in_use_);
  slot_ = std::move(slot);
}

void read_worker::attach_lent() {
  std::lock_guard guard(in_use_);
  // The port must not keep it.
  slot_ = options_.port->attach_lent(
    [weak = weak_from_this()](read_port::request_pointer request, submitter who) {
      if (auto self = weak.lock())
        self->lend(std::move(request), who);
    });
}

void read_worker::close() {
  closing_ = true;
  // Whoever has it looks once more when it is free again.
  std::unique_lock guard(in_use_, std::try_to_lock);
  if (!guard || closed_)
    return;
  kept_.reset();
  options_.port->detach(std::exchange(slot_, nullptr));
  db_.reset();
  closed_ = true;
  guard.unlock();
  if (options_.closed)
    options_.closed();
}

read_worker::counters read_worker::seen() const {
  std::lock_guard guard(in_use_);
  auto result = seen_;
  if (db_) {
    result.statements_hit = static_cast<std::int64_t>(db_->statements().hits());
    result.statements_missed = static_cast<std::int64_t>(db_->statements().misses());
  }
  return result;
}

std::string read_worker::note() const {
  std::lock_guard guard(in_use_);
  return note_;
}

bool read_worker::over() {
  if (!request_)
    return false;
  // SQLite counts on from the run before: only from one look to the next it has done enough
  // to be called long, and not been kept from it by others.
  auto worked = ++looks_ > 1;
  auto now = options_.clock->now();
  if (request_->stopped())
    why_ = interruption::cancelled;
  else if (slot_->expire.load(std::memory_order_relaxed) || now >= lease_ends_)
    why_ = interruption::expired;
  else if (now >= deadline_)
    why_ = interruption::timeout;
  else if (worked && now >= budget_ends_)
    why_ = interruption::too_long;
  return why_ != interruption::none;
}

/// What an interrupted request is answered with.
caf::error read_worker::interrupted(const read_request& request) {
  if (why_ == interruption::cancelled)
    return make_failure(errc::cancelled, "cancelled while it ran");
  if (why_ == interruption::timeout)
    return make_failure(errc::timeout, "stopped before its end, because its time was up");
  auto age = std::chrono::duration_cast<std::chrono::milliseconds>(options_.clock->now() - opened_);
  note_ = "a snapshot was given up after " + seconds_text(age)
          + ", because the write-ahead log cannot shrink while it is open; it was held by: "
          + (request.sql().empty() ? "a function of the program" : std::string{request.sql()});
  log(log_level::warn, "reader", note_);
  return make_failure(errc::snapshot_expired, note_);
}

/// Runs a request. Returns why it has not been answered, if it has not.
std::optional<caf::error> read_worker::run(read_request& request) {
  why_ = interruption::none;
  looks_ = 0;
  request_ = &request;
  slot_->current.store(&request, std::memory_order_relaxed);
  struct end_of_run { // Whatever happens: the request goes soon.
    read_worker& self;
    ~end_of_run() {
      self.request_ = nullptr;
      self.slot_->current.store(nullptr, std::memory_order_relaxed);
    }
  } end{*this};
  try {
    request.run(*db_);
    return std::nullopt;
  } catch (const storage::error& failure) {
    return why_ == interruption::none ? to_caf(failure) : caf::error{};
  } catch (const std::exception& failure) {
    return make_failure(errc::function_failed, failure.what());
  } catch (...) {
    return make_failure(errc::function_failed,
                        "the function threw something that is not an exception");
  }
}

/// Serves one request. Returns false if it has not been answered, because it takes longer
/// than `budget`.
bool read_worker::serve(read_request& request, time_point now, std::chrono::microseconds budget) {
  if (request.stopped()) {
    request.fail(make_failure(errc::cancelled, "cancelled before it was begun"));
    return true;
  }
  if (now >= request.deadline) {
    request.fail(
      make_failure(errc::expired, "the deadline passed while the request waited for a reader"));
    return true;
  }
  ++seen_.queries;
  deadline_ = std::min(request.deadline, now + options_.query_limit);
  lease_ends_ = opened_ + options_.lease;
  budget_ends_ = budget == no_budget ? time_point::max() : now + budget;
  auto failed = run(request);
  if (!failed)
    return true;
  if (why_ == interruption::too_long)
    return false;
  request.fail(why_ == interruption::none ? std::move(*failed) : interrupted(request));
  return true;
}

/// The same; what takes too long here goes to who has time for what takes `length`, if
/// there is anybody.
void read_worker::serve_or_move(read_port::request_pointer& request, time_point now,
                                std::chrono::microseconds budget, read_length length) {
  if (serve(*request, now, budget))
    return;
  request = options_.port->move(std::move(request), length);
  if (request)
    serve(*request, options_.clock->now(), no_budget);
}

/// Answers requests on one snapshot, from `first` on, and returns where it stopped.
std::size_t read_worker::serve_round(std::vector<read_port::request_pointer>& batch,
                                     std::size_t first) {
  std::optional<storage::read_guard> snapshot;
  try {
    snapshot.emplace(*db_);
  } catch (const storage::error& failure) {
    for (; first < batch.size(); ++first)
      batch[first]->fail(to_caf(failure));
    return first;
  }
  ++seen_.snapshots;
  opened_ = options_.clock->now();
  auto budget = options_.kind == reader_kind::quick ? options_.quick_limit : no_budget;
  for (auto now = opened_; first < batch.size() && now - opened_ <= snapshot_round;
       now = options_.clock->now()) {
    serve_or_move(batch[first++], now, budget, read_length::long_);
    if (slot_->expire.load()) // What has not begun needs another snapshot only.
      break;
  }
  return first;
}

bool read_worker::serve_batch() {
  std::lock_guard guard(in_use_);
  if (!slot_)
    return false;
  // Of what takes long, each reader takes one: the others are there for the next.
  auto most = options_.kind == reader_kind::slow ? 1 : batch_max;
  auto batch = options_.port->take(slot_, most);
  if (batch.empty())
    return false;
  // Before the requests go, whatever happens: who cancels looks at them.
  struct end_of_batch {
    read_worker& self;
    ~end_of_batch() { self.options_.port->done(self.slot_); }
  } end{*this};
  std::size_t next = 0;
  while (next < batch.size()) {
    if (next > 0 && !options_.port->renew(slot_)) {
      // The others stay here until the port knows them no more.
      auto rest = batch.begin() + static_cast<std::ptrdiff_t>(next);
      options_.port->put_back(
        slot_, {std::make_move_iterator(rest), std::make_move_iterator(batch.end())});
      return true;
    }
    next = serve_round(batch, next);
  }
  return true;
}

void read_worker::lend(read_port::request_pointer request, submitter who) {
  struct end_of_use {
    read_worker& self;
    ~end_of_use() {
      if (self.closing_)
        self.close();
    }
  } end{*this};
  // The request goes after the lock: its end may run code of the program.
  std::lock_guard guard(in_use_);
  serve_lent(request, who);
}

/// Returns whether it is open.
bool read_worker::open_if_needed() {
  try {
    if (!db_)
      open_now();
    return true;
  } catch (const storage::error& failure) {
    note_ = failure.what();
    return false;
  }
}

/// Makes `kept_` a snapshot of all that is committed by now.
/// @throws storage::error
void read_worker::take_snapshot() {
  auto now = options_.clock->now();
  auto stamp = db_->last_commit();
  // The one that is open shows all that was committed before its stamp was taken, at least.
  auto current = kept_ && stamp && stamp == kept_stamp_ && now - kept_since_ < kept_for;
  opened_ = now;
  if (current)
    return;
  kept_.reset();
  kept_stamp_ = stamp;
  kept_since_ = now;
  kept_.emplace(*db_);
  ++seen_.snapshots;
}

void read_worker::give_back() {
  // An error may have ended it.
  if (kept_ && (!kept_stamp_ || db_->autocommit()))
    kept_.reset();
  if (options_.port->give_back(slot_, kept_.has_value()))
    return;
  kept_.reset();
  options_.port->give_back(slot_, false);
}

void read_worker::serve_lent(read_port::request_pointer& request, submitter who) {
  if (!slot_) { // Closed meanwhile.
    if (request)
      request->fail(make_failure(errc::unavailable, "the readers are closing"));
    return;
  }
  struct end_of_loan {
    read_worker& self;
    ~end_of_loan() { self.give_back(); }
  } end{*this};
  if (!request)
    return kept_.reset();
  if (!open_if_needed()) {
    std::vector<read_port::request_pointer> left;
    left.push_back(std::move(request));
    return options_.port->put_back(slot_, std::move(left));
  }
  try {
    take_snapshot();
  } catch (const storage::error& failure) {
    return request->fail(to_caf(failure));
  }
  if (who == submitter::idle)
    serve_or_move(request, opened_, options_.moment_limit, read_length::brief);
  else
    serve(*request, opened_, no_budget);
}

} // namespace quire::actors
