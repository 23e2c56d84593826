#include "quire/actors/write_port.hpp"

#include "quire/messages/types/deadline.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

namespace {

/// A batch takes about so long, so that nobody waits much longer for the next one,
constexpr double batch_seconds = 0.005;
/// but has so many members at least, if they are there.
constexpr std::size_t batch_least = 16;

/// A client that sent so many requests in a row is the only one.
constexpr std::size_t lonely = 3;

caf::error expired_failure() {
  return make_failure(errc::expired,
                      "the deadline passed while the request waited; nothing of it was tried");
}

caf::error overloaded_failure(const char* whose, std::chrono::milliseconds retry_after) {
  std::string text = "too many writes ";
  text += whose;
  text += " wait already; nothing of this one was tried. Try again in ";
  text += std::to_string(retry_after.count());
  text += " ms";
  return make_failure(errc::overloaded, std::move(text), retry_after);
}

} // namespace

write_port::write_port(write_limits limits, std::shared_ptr<const clock_source> clock)
  : limits_(limits), clock_(std::move(clock)),
    admission_(std::make_shared<admission>(limits.requests_max, limits.bytes_max)) {}

write_port::~write_port() {
  close("the runtime is closed");
}

void write_port::submit(request_pointer request, submitter who) {
  if (request->lane == lane::control)
    request->lane = lane::interactive;
  request->brought_by(who);
  insert(std::move(request), true);
}

void write_port::submit_own(request_pointer request) {
  insert(std::move(request), false);
}

std::optional<caf::error> write_port::refused(const write_request& request, bool client) const {
  if (!closed_.empty())
    return make_failure(errc::unavailable, closed_);
  if (client && !closed_to_clients_.empty())
    return make_failure(errc::unavailable, closed_to_clients_);
  if (refusal_ && request.lane >= refusal_->from)
    return make_failure(refusal_->code, refusal_->why, refusal_->retry_after);
  return std::nullopt;
}

/// Whether whoever brings this, which waits already, can have the writer.
bool write_port::can_lend(const write_request& request) const {
  if (!lend_ || phase_ == phase::running || phase_ == phase::lent)
    return false;
  switch (request.brought_by()) {
    case submitter::busy: return false;
    // Where others send as well, they are about to have their turn on this thread, and what
    // they send is committed with it.
    case submitter::idle: return request.data() && in_a_row_ >= lonely && queue_.size() == 1;
    case submitter::blocked: return queue_.size() >= last_members();
  }
  return false;
}

/// Returns how to wake the writer, if it sleeps.
write_port::shared_function write_port::wake_once() {
  if (!wake_ || phase_ != phase::asleep)
    return nullptr;
  phase_ = phase::woken;
  return wake_;
}

void write_port::insert(request_pointer request, bool counted) {
  if (request->deadline == time_point{})
    request->deadline = deadline_from(clock_->now(), request->timeout().value_or(limits_.timeout));
  request->judged_by(*clock_);
  if (request->wants_time()) {
    auto now_ms = clock_->unix_ms();
    request->came_at(now_ms, now_ms - limits_.key_retention.count());
  }
  shared_function wake;
  shared_function arm;
  shared_lender lend;
  auto who = submitter::busy;
  std::uint64_t client = 0;
  std::optional<caf::error> answer;
  {
    std::lock_guard guard(mutex_);
    answer = refused(*request, counted);
    if (!answer && counted) {
      if (queue_.size_of(request->client) >= limits_.client_requests_max
          || (queue_.bytes_of(request->client) + request->bytes > limits_.client_bytes_max
              && queue_.size_of(request->client) > 0))
        answer = overloaded(true);
      else if (!admission_->enter(request->bytes))
        answer = overloaded(false);
      else
        request->count_out_of(*admission_);
    }
    if (!answer) {
      auto& kept = *request;
      in_a_row_ = kept.client == last_client_ ? in_a_row_ + 1 : 1;
      last_client_ = kept.client;
      queue_.push(std::move(request));
      size_.store(queue_.size(), std::memory_order_relaxed);
      arm = deadlines_.once();
      if (can_lend(kept)) {
        who = kept.brought_by();
        client = kept.client;
        phase_ = phase::lent;
        lend = lend_;
      } else {
        wake = wake_once();
      }
    }
  }
  if (answer)
    return request->fail(std::move(*answer));
  if (wake)
    (*wake)();
  if (lend) {
    lent_.fetch_add(1, std::memory_order_relaxed);
    (*lend)(who, client);
  }
  if (arm)
    (*arm)();
}

bool write_port::start() {
  std::lock_guard guard(mutex_);
  if (phase_ == phase::lent)
    return false;
  phase_ = phase::running;
  return true;
}

bool write_port::rest(std::uint64_t writer) {
  std::lock_guard guard(mutex_);
  if (writer != writer_)
    return true; // Another one looks after all this.
  phase_ = queue_.empty() ? phase::asleep : phase::woken;
  return queue_.empty();
}

void write_port::hand_over(std::uint64_t writer) {
  std::lock_guard guard(mutex_);
  if (writer == writer_)
    phase_ = phase::running;
}

/// One for all who are refused in a row: they may be many, and who waits for memory as well
/// would not be helped.
caf::error write_port::overloaded(bool client) {
  auto& last = overloaded_[client ? 1 : 0];
  auto retry_after = retry_after_locked();
  if (!last.second || last.first != retry_after)
    last = {retry_after,
            overloaded_failure(client ? "of this client" : "of all clients", retry_after)};
  return last.second;
}

messages::request_cancelled write_port::cancel(std::uint64_t client, std::uint64_t number) {
  using stage = messages::request_cancelled::stage;
  request_pointer waiting;
  {
    std::lock_guard guard(mutex_);
    waiting = queue_.take(client, number);
    if (!waiting) {
      for (auto* one : running_) {
        if (one->client == client && one->number == number && number != 0) {
          one->stop();
          return {stage::running};
        }
      }
      return {stage::unknown};
    }
  }
  waiting->fail(
    make_failure(errc::cancelled, "cancelled while it waited; nothing of it was tried"));
  return {stage::waiting};
}

bool write_port::expire() {
  std::vector<request_pointer> late;
  bool waits = false;
  {
    std::lock_guard guard(mutex_);
    late = queue_.take_expired(clock_->now());
    waits = !queue_.empty();
    deadlines_.goes_on(waits);
  }
  for (auto& one : late)
    one->fail(expired_failure());
  return waits;
}

void write_port::watch_deadlines(std::function<void()> arm) {
  shared_function now;
  {
    std::lock_guard guard(mutex_);
    deadlines_.set(std::move(arm));
    if (!queue_.empty())
      now = deadlines_.once();
  }
  if (now)
    (*now)();
}

void write_port::close_to_clients(const std::string& reason) {
  std::lock_guard guard(mutex_);
  closed_to_clients_ = reason;
}

void write_port::close(const std::string& reason) {
  std::vector<request_pointer> left;
  {
    std::lock_guard guard(mutex_);
    closed_ = reason;
    left = queue_.take_all();
    deadlines_.set({});
  }
  for (auto& one : left)
    one->fail(make_failure(errc::unavailable, reason));
}

std::uint64_t write_port::attach(std::function<void()> wake, lender lend) {
  shared_function now;
  std::uint64_t number = 0;
  {
    std::lock_guard guard(mutex_);
    wake_ = std::make_shared<const std::function<void()>>(std::move(wake));
    lend_ = lend ? std::make_shared<const lender>(std::move(lend)) : nullptr;
    number = ++writer_;
    running_.clear();
    phase_ = phase::asleep;
    if (!queue_.empty())
      now = wake_once();
  }
  if (now)
    (*now)();
  return number;
}

void write_port::detach(std::uint64_t writer) {
  std::lock_guard guard(mutex_);
  if (writer != writer_)
    return;
  wake_ = nullptr;
  lend_ = nullptr;
  running_.clear();
}

void write_port::linger(std::size_t members, std::chrono::nanoseconds limit) const {
  auto until = std::chrono::steady_clock::now() + limit;
  while (size_.load(std::memory_order_relaxed) < members
         && std::chrono::steady_clock::now() < until) {
  }
}

std::vector<write_port::request_pointer> write_port::take(std::size_t most) {
  std::vector<request_pointer> taken;
  std::vector<request_pointer> late;
  auto now = clock_->now();
  {
    std::lock_guard guard(mutex_);
    most = std::min(
      most, std::max(batch_least, static_cast<std::size_t>(batch_seconds / request_seconds_)));
    taken.reserve(std::min(most, queue_.size()));
    running_.clear();
    while (taken.size() < most) {
      auto next = queue_.pop();
      if (!next)
        break;
      if (next->deadline <= now) {
        late.push_back(std::move(next));
        continue;
      }
      running_.push_back(next.get());
      taken.push_back(std::move(next));
    }
    if (taken.empty())
      phase_ = phase::asleep;
    size_.store(queue_.size(), std::memory_order_relaxed);
  }
  for (auto& one : late)
    one->fail(expired_failure());
  return taken;
}

void write_port::forget(const write_request& request) {
  std::lock_guard guard(mutex_);
  std::erase(running_, &request);
}

void write_port::finished(std::size_t requests, std::chrono::nanoseconds time) {
  std::lock_guard guard(mutex_);
  running_.clear();
  if (requests == 0)
    return;
  last_members_.store(requests, std::memory_order_relaxed);
  auto each = std::chrono::duration<double>(time).count() / static_cast<double>(requests);
  request_seconds_ = std::max(1e-9, request_seconds_ + (each - request_seconds_) / 8);
}

void write_port::refuse(lane from, errc code, const std::string& why,
                        std::chrono::milliseconds retry_after) {
  std::vector<request_pointer> left;
  {
    std::lock_guard guard(mutex_);
    refusal_ = refusal{from, code, why, retry_after};
    for (auto& one : queue_.take_all()) {
      if (one->lane >= from)
        left.push_back(std::move(one));
      else
        queue_.push(std::move(one));
    }
  }
  for (auto& one : left)
    one->fail(make_failure(code, why, retry_after));
}

void write_port::refuse_nobody() {
  std::lock_guard guard(mutex_);
  refusal_.reset();
}

std::chrono::milliseconds write_port::retry_after_locked() const {
  auto seconds = request_seconds_ * static_cast<double>(queue_.size());
  auto ms = static_cast<std::int64_t>(seconds * 1000 / 2);
  return std::chrono::milliseconds{std::clamp<std::int64_t>(ms, 1, 30'000)};
}

std::chrono::milliseconds write_port::retry_after() const {
  std::lock_guard guard(mutex_);
  return retry_after_locked();
}

std::size_t write_port::waiting() const {
  std::lock_guard guard(mutex_);
  return queue_.size();
}

} // namespace quire::actors
