#pragma once

// How callers with threads get futures for requests to actors.

#include "quire/actors/guard.hpp"
#include "quire/app/deadline.hpp"
#include "quire/app/failure.hpp"
#include "quire/messages/interfaces.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace quire {

/// An answer that is on its way to a future.
class pending_answer {
public:
  virtual ~pending_answer() = default;

  /// Its time is up: the future gets a `failure`, unless it has something already.
  virtual void expire() = 0;
};

/// Something the bridge is to do with itself as the sender.
struct bridge_job {
  std::function<void(caf::event_based_actor*)> run;
  std::weak_ptr<pending_answer> answer; ///< Gone once it is given.
  std::optional<std::chrono::steady_clock::time_point> deadline;
};

using shared_bridge_job = std::shared_ptr<bridge_job>;

} // namespace quire

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(quire::shared_bridge_job)

namespace quire {

/// The deadlines of answers, each given up when its time has come. Thread-safe.
class answer_limits {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Returns whether somebody has to look again sooner than they know of.
  bool add(time_point deadline, std::weak_ptr<pending_answer> answer);

  /// Gives up those whose time has come and forgets those that are answered. Returns
  /// when to look again, if any are left.
  std::optional<time_point> look(time_point now);

private:
  struct limit {
    time_point deadline;
    std::weak_ptr<pending_answer> answer;
  };

  std::mutex mutex_;
  std::deque<limit>
    limits_; ///< By deadline. Mostly they are answered in order, and go at the front.
  time_point next_look_;
  bool watched_ = false;
};

/// Spawns the actor that sends requests for callers that are no actors. It keeps
/// their deadlines itself: CAF would keep each one until its time has come, answered
/// or not.
caf::actor spawn_bridge(caf::actor_system& system, std::shared_ptr<answer_limits> limits);

/// Waits, until `deadline` at most, until the bridge has handled everything that
/// was sent to it before.
void settle(const caf::actor& bridge, std::chrono::steady_clock::time_point deadline);

/// Sends `request` to `gateway` by the bridge; the future gets the reply, or a
/// `failure`. Without a timeout that takes as long as it takes: `gateway` and what is
/// behind it answer every request, also when they end.
template <class Reply, class Handle, class Request>
std::future<Reply> ask_later(const caf::actor& bridge, const Handle& gateway, Request request,
                             std::optional<std::chrono::milliseconds> timeout) {
  // Abandoned promises give broken_promise: a bridge that is gone must say why.
  struct answer final : pending_answer {
    std::promise<Reply> promise;
    bool given = false;

    void fail(errc code, const std::string& text) {
      if (!std::exchange(given, true))
        promise.set_exception(std::make_exception_ptr(failure(code, text)));
    }

    void expire() override { fail(errc::timeout, "no answer in time"); }

    ~answer() override { fail(errc::unavailable, "the runtime was closed before it answered"); }
  };
  auto kept = std::make_shared<answer>();
  auto future = kept->promise.get_future();
  if (!bridge || !gateway) {
    kept->fail(errc::unavailable, "the runtime is closed");
    return future;
  }
  auto job = std::make_shared<bridge_job>();
  job->answer = kept;
  if (timeout)
    job->deadline = deadline_after(*timeout);
  job->run = [kept = std::move(kept), gateway,
              request = std::move(request)](caf::event_based_actor* self) mutable {
    ask_without_limit(self, gateway, std::move(request))
      .then(
        [kept](Reply& reply) {
          if (!std::exchange(kept->given, true))
            kept->promise.set_value(std::move(reply));
        },
        [kept](const caf::error& error) {
          kept->fail(actors::code_of(error), actors::text_of(error));
        });
    kept.reset(); // The handlers have it: it goes with the answer.
  };
  caf::anon_send(bridge, shared_bridge_job{std::move(job)});
  return future;
}

/// The answers that somebody waits for, one request for each key however often
/// and however long it is waited for. Thread-safe.
template <class Key, class Reply>
class pending_answers {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Waits for the answer for at most `timeout`; `send()` sends the request if
  /// none is on its way (what it throws ends the wait). A service that is started
  /// again in the meantime is asked again.
  ///
  /// An answer that came before this wait began is not used: what it says may be
  /// over by now. `settle(deadline)` waits until those that are on their way to
  /// their futures are there; it is called only if such a request is known.
  /// @throws failure, with `errc::timeout` when the time is up.
  template <class Send, class Settle>
  Reply wait(Key key, std::chrono::milliseconds timeout, Send send, Settle settle) {
    auto deadline = deadline_after(timeout);
    if (known(key))
      settle(deadline);
    drop_ready(key);
    for (;;) {
      auto asked = find_or_send(key, send);
      if (asked.answer.wait_until(deadline) != std::future_status::ready)
        throw failure(errc::timeout,
                      "it has not ended yet; it goes on, and can be waited for again");
      forget(key, asked.number);
      try {
        return asked.answer.get();
      } catch (const failure& failed) {
        if (failed.code() != errc::unavailable || std::chrono::steady_clock::now() >= deadline)
          throw;
      }
      std::this_thread::sleep_until(
        std::min(std::chrono::steady_clock::now() + restart_pause, deadline));
    }
  }

private:
  // A service is started again after 200 ms at the earliest.
  static constexpr std::chrono::milliseconds restart_pause{50};

  struct request {
    std::uint64_t number = 0;
    std::shared_future<Reply> answer;
  };

  bool known(Key key) {
    std::lock_guard guard(mutex_);
    return requests_.contains(key);
  }

  void drop_ready(Key key) {
    std::lock_guard guard(mutex_);
    auto found = requests_.find(key);
    if (found != requests_.end()
        && found->second.answer.wait_for(std::chrono::seconds{0}) == std::future_status::ready)
      requests_.erase(found);
  }

  template <class Send>
  request find_or_send(Key key, Send& send) {
    std::lock_guard guard(mutex_);
    auto found = requests_.find(key);
    if (found == requests_.end())
      found = requests_.emplace(key, request{++sent_, send().share()}).first;
    return found->second;
  }

  /// Others may have asked again in the meantime: their request stays.
  void forget(Key key, std::uint64_t number) {
    std::lock_guard guard(mutex_);
    auto found = requests_.find(key);
    if (found != requests_.end() && found->second.number == number)
      requests_.erase(found);
  }

  std::mutex mutex_;
  std::map<Key, request> requests_;
  std::uint64_t sent_ = 0;
};

} // namespace quire
