#include "quire/actors/read_port.hpp"

#include "quire/messages/types/deadline.hpp"

#include <algorithm>
#include <utility>

namespace quire::actors {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds retry_after{50};

caf::error expired_failure() {
  return make_failure(errc::expired, "the deadline passed while the request waited for a reader");
}

} // namespace

read_port::read_port(read_limits limits, std::shared_ptr<const clock_source> clock)
  : limits_(limits), clock_(std::move(clock)) {}

read_port::~read_port() {
  close("the runtime is closed");
}

read_length read_port::known_length(const read_request& request) {
  if (!request.quick() || !has_reader(reader_kind::quick))
    return read_length::long_;
  if (known_texts_.empty())
    return read_length::moment;
  auto found = known_texts_.find(request.sql());
  if (found == known_texts_.end())
    return read_length::moment;
  auto length = found->second.length;
  if (--found->second.uses_left <= 0)
    known_texts_.erase(found);
  return length;
}

std::optional<caf::error> read_port::refused(const read_request& request) const {
  if (!closed_.empty())
    return make_failure(errc::unavailable, closed_);
  auto count = quick_.size() + slow_.size();
  if (count == 0)
    return std::nullopt;
  auto own = quick_.size_of(request.client) + slow_.size_of(request.client);
  if (count < limits_.requests_max && own < limits_.client_requests_max
      && quick_.bytes() + slow_.bytes() + request.bytes <= limits_.bytes_max)
    return std::nullopt;
  return make_failure(errc::overloaded,
                      "too many queries wait already; try again in "
                        + std::to_string(retry_after.count()) + " ms",
                      retry_after);
}

/// Returns a reader that has nothing to do; null while the gate is closed.
read_port::slot_pointer read_port::idle_reader(reader_kind kind) const {
  if (!gate_closed_)
    for (auto& reader : readers_)
      if (reader->kind == kind && reader->idle)
        return reader;
  return nullptr;
}

/// Returns the reader that whoever brings a request may use; null if there is none.
read_port::slot_pointer read_port::lent_reader(const read_request& request, submitter who,
                                               read_length length) {
  if (who == submitter::busy)
    return nullptr;
  // An actor keeps others from its thread, and what it is sent waits meanwhile.
  if (who == submitter::idle && (length != read_length::moment || !request.data()))
    return nullptr;
  return idle_reader(reader_kind::lent);
}

/// Returns an idle reader of this kind, which counts as awake then and has to be woken.
read_port::slot_pointer read_port::woken_reader(reader_kind kind) {
  auto reader = idle_reader(kind);
  if (reader)
    reader->idle = false;
  return reader;
}

std::vector<read_port::slot_pointer> read_port::woken_readers() {
  std::vector<slot_pointer> result;
  for (auto kind : {reader_kind::quick, reader_kind::slow})
    for (auto left = queue_of(kind).size(); left > 0; --left) {
      auto reader = woken_reader(kind);
      if (!reader)
        break;
      result.push_back(std::move(reader));
    }
  return result;
}

read_port::slot_pointer read_port::insert(request_pointer request, read_length length) {
  auto kind = length == read_length::long_ ? reader_kind::slow : reader_kind::quick;
  queue_of(kind).push(std::move(request));
  return woken_reader(kind);
}

void read_port::submit(request_pointer request, submitter who) {
  auto now = clock_->now();
  if (request->deadline == time_point{})
    request->deadline = deadline_from(now, request->timeout().value_or(limits_.timeout));
  slot_pointer lent;
  slot_pointer woken;
  shared_function arm;
  std::optional<caf::error> refusal;
  {
    std::lock_guard guard(mutex_);
    refusal = refused(*request);
    if (!refusal) {
      auto length = known_length(*request);
      lent = lent_reader(*request, who, length);
      if (lent) {
        lent->batch.push_back(request.get());
        lent->idle = false;
        open_snapshot_of(*lent, now);
      } else {
        woken = insert(std::move(request), length);
        arm = deadlines_.once();
      }
    }
  }
  if (refusal) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return request->fail(std::move(*refusal));
  }
  if (lent) {
    lent_.fetch_add(1, std::memory_order_relaxed);
    return lent->serve(std::move(request), who);
  }
  if (woken)
    woken->wake();
  if (arm)
    (*arm)();
}

messages::request_cancelled read_port::cancel(std::uint64_t client, std::uint64_t number) {
  using stage = messages::request_cancelled::stage;
  request_pointer waiting;
  {
    std::lock_guard guard(mutex_);
    waiting = quick_.take(client, number);
    if (!waiting)
      waiting = slow_.take(client, number);
    if (!waiting) {
      for (auto& reader : readers_)
        for (auto* one : reader->batch)
          if (number != 0 && one->client == client && one->number == number) {
            one->stop();
            return {stage::running};
          }
      return {stage::unknown};
    }
  }
  waiting->fail(make_failure(errc::cancelled, "cancelled while it waited"));
  return {stage::waiting};
}

bool read_port::expire() {
  std::vector<request_pointer> late;
  bool waits = false;
  {
    std::lock_guard guard(mutex_);
    auto now = clock_->now();
    late = quick_.take_expired(now);
    for (auto& one : slow_.take_expired(now))
      late.push_back(std::move(one));
    waits = !quick_.empty() || !slow_.empty();
    deadlines_.goes_on(waits);
  }
  for (auto& one : late)
    one->fail(expired_failure());
  return waits;
}

void read_port::watch_deadlines(std::function<void()> arm) {
  shared_function now;
  {
    std::lock_guard guard(mutex_);
    deadlines_.set(std::move(arm));
    if (!quick_.empty() || !slow_.empty())
      now = deadlines_.once();
  }
  if (now)
    (*now)();
}

void read_port::close(const std::string& reason) {
  std::vector<request_pointer> left;
  {
    std::lock_guard guard(mutex_);
    closed_ = reason;
    left = quick_.take_all();
    for (auto& one : slow_.take_all())
      left.push_back(std::move(one));
    deadlines_.set({});
  }
  for (auto& one : left)
    one->fail(make_failure(errc::unavailable, reason));
}

read_port::slot_pointer read_port::add(slot_pointer reader) {
  std::vector<slot_pointer> woken;
  {
    std::lock_guard guard(mutex_);
    readers_.push_back(reader);
    ++counts_[static_cast<std::size_t>(reader->kind)];
    woken = woken_readers();
  }
  for (auto& one : woken)
    one->wake();
  return reader;
}

read_port::slot_pointer read_port::attach(reader_kind kind, std::function<void()> wake) {
  auto reader = std::make_shared<slot>();
  reader->kind = kind;
  reader->wake = std::move(wake);
  return add(std::move(reader));
}

read_port::slot_pointer read_port::attach_lent(
  std::function<void(request_pointer, submitter)> serve) {
  auto reader = std::make_shared<slot>();
  reader->kind = reader_kind::lent;
  reader->serve = std::move(serve);
  return add(std::move(reader));
}

void read_port::detach(const slot_pointer& reader) {
  if (!reader)
    return;
  shared_function clear;
  std::vector<slot_pointer> woken;
  {
    std::lock_guard guard(mutex_);
    clear = close_snapshot_of(*reader);
    reader->idle = false;
    // What it was woken for, and did not take, is for others.
    if (std::erase(readers_, reader) > 0) {
      --counts_[static_cast<std::size_t>(reader->kind)];
      woken = woken_readers();
    }
  }
  if (clear)
    (*clear)();
  for (auto& one : woken)
    one->wake();
}

std::vector<read_port::request_pointer> read_port::take(const slot_pointer& reader,
                                                        std::size_t most) {
  std::vector<request_pointer> taken;
  std::vector<request_pointer> late;
  slot_pointer another;
  {
    std::lock_guard guard(mutex_);
    auto& own = queue_of(reader->kind);
    if (!gate_closed_) {
      auto now = clock_->now();
      // Half of it, so that the others have something to do as well.
      most = std::min(most, std::max<std::size_t>(own.size() / 2, 8));
      while (taken.size() < most) {
        auto next = own.pop();
        if (!next)
          break;
        (next->deadline <= now ? late : taken).push_back(std::move(next));
      }
      if (!taken.empty()) {
        for (auto& one : taken)
          reader->batch.push_back(one.get());
        open_snapshot_of(*reader, now);
      }
      if (!own.empty())
        another = woken_reader(reader->kind);
    }
    reader->idle = taken.empty();
  }
  for (auto& one : late)
    one->fail(expired_failure());
  if (another)
    another->wake();
  return taken;
}

void read_port::put_back(const slot_pointer& reader, std::vector<request_pointer> left) {
  shared_function clear;
  shared_function arm;
  std::string closed;
  std::vector<slot_pointer> woken;
  {
    std::lock_guard guard(mutex_);
    clear = close_snapshot_of(*reader);
    closed = closed_;
    if (closed.empty()) {
      for (auto& one : left) {
        auto length = known_length(*one);
        if (auto other = insert(std::move(one), length))
          woken.push_back(std::move(other));
      }
      left.clear();
      arm = deadlines_.once();
    }
  }
  if (clear)
    (*clear)();
  if (arm)
    (*arm)();
  for (auto& other : woken)
    other->wake();
  for (auto& one : left)
    one->fail(make_failure(errc::unavailable, closed));
}

read_port::request_pointer read_port::move(request_pointer request, read_length length) {
  slot_pointer woken;
  shared_function arm;
  {
    std::lock_guard guard(mutex_);
    auto kind = length == read_length::long_ ? reader_kind::slow : reader_kind::quick;
    // Where nobody comes any more, it is answered where it is.
    if (!has_reader(kind) || !closed_.empty())
      return request;
    if (!request->sql().empty()) {
      if (known_texts_.size() >= known_texts_max)
        known_texts_.clear();
      known_texts_.insert_or_assign(std::string{request->sql()}, known_text{length, known_uses});
    }
    for (auto& reader : readers_)
      std::erase(reader->batch, request.get());
    woken = insert(std::move(request), length);
    arm = deadlines_.once();
  }
  if (arm)
    (*arm)();
  moved_.fetch_add(1, std::memory_order_relaxed);
  if (woken)
    woken->wake();
  return nullptr;
}

std::size_t read_port::waiting() const {
  std::lock_guard guard(mutex_);
  return quick_.size() + slow_.size();
}

} // namespace quire::actors
