#pragma once

// Everything that differs between CAF 0.17 (Debian 12) and CAF 1.x. Only this
// file, caf_replies.hpp and the tests' fixture look at CAF's version. CAF_VERSION itself is not
// used: it is an octal number in 1.0 and 1.1.

#include <caf/all.hpp>
#include <caf/config.hpp>

#include <type_traits>
#include <utility>

#if CAF_MAJOR_VERSION == 0 && CAF_MINOR_VERSION < 18
#  define QUIRE_CAF_LEGACY 1
#else
#  define QUIRE_CAF_LEGACY 0
#endif

#if QUIRE_CAF_LEGACY
#  define QUIRE_ERROR_ENUM(type) CAF_ERROR_CODE_ENUM(type, "quire")
#else
#  define QUIRE_ERROR_ENUM(type) CAF_ERROR_CODE_ENUM(type)
#endif

namespace quire {

namespace detail {

template <class Signature>
struct handler_of;

template <class Out, class... In>
struct handler_of<Out(In...)> {
#if QUIRE_CAF_LEGACY
  using type = typename caf::replies_to<In...>::template with<Out>;
#else
  using type = caf::result<Out>(In...);
#endif
};

#if QUIRE_CAF_LEGACY
template <class... In>
struct handler_of<void(In...)> {
  using type = caf::reacts_to<In...>;
};
#endif

} // namespace detail

/// One message handler of a typed actor interface, written `on<Reply(Request)>`.
template <class Signature>
using on = typename detail::handler_of<Signature>::type;

/// Returns the state of a stateful actor.
template <class Self>
auto& state_of(Self* self) {
#if QUIRE_CAF_LEGACY
  auto& state = self->state;
#else
  auto& state = self->state();
#endif
  static_assert(!std::is_aggregate_v<std::remove_reference_t<decltype(state)>>,
                "declare `my_state() = default;`: under C++20, CAF 0.17 would "
                "otherwise initialize the first member from the self pointer");
  return state;
}

/// Sends without waiting for an answer.
template <class Self, class Handle, class... Ts>
void tell(Self* self, const Handle& to, Ts&&... xs) {
#if QUIRE_CAF_LEGACY
  self->send(to, std::forward<Ts>(xs)...);
#else
  self->mail(std::forward<Ts>(xs)...).send(to);
#endif
}

/// The same, `delay` later on the clock of the actor system.
template <class Self, class Handle, class... Ts>
void tell_after(Self* self, caf::timespan delay, const Handle& to, Ts&&... xs) {
#if QUIRE_CAF_LEGACY
  self->delayed_send(to, delay, std::forward<Ts>(xs)...);
#else
  self->mail(std::forward<Ts>(xs)...).delay(delay).send(to);
#endif
}

/// The same without a sender, on any thread.
template <class Handle, class... Ts>
void anon_tell_after(caf::timespan delay, const Handle& to, Ts&&... xs) {
#if QUIRE_CAF_LEGACY
  caf::delayed_anon_send(to, delay, std::forward<Ts>(xs)...);
#else
  caf::anon_mail(std::forward<Ts>(xs)...).delay(delay).send(to);
#endif
}

/// Sends and expects an answer within `timeout`, which must be finite: 0.17 never
/// answers a promise that its actor dropped.
template <class Self, class Handle, class Timeout, class... Ts>
auto ask(Self* self, const Handle& to, Timeout timeout, Ts&&... xs) {
#if QUIRE_CAF_LEGACY
  return self->request(to, timeout, std::forward<Ts>(xs)...);
#else
  return self->mail(std::forward<Ts>(xs)...).request(to, timeout);
#endif
}

/// The same without a limit, for what takes as long as it takes and is answered in any
/// case. CAF keeps the timer of a request until it fires, answered or not: for a
/// limit of days, that is memory that grows with each request.
template <class Self, class Handle, class... Ts>
auto ask_without_limit(Self* self, const Handle& to, Ts&&... xs) {
#if QUIRE_CAF_LEGACY
  return self->request(to, caf::infinite, std::forward<Ts>(xs)...);
#else
  return self->mail(std::forward<Ts>(xs)...).request(to, caf::infinite);
#endif
}

/// Passes the current message on: the receiver answers the sender directly.
template <class Self, class Handle, class... Ts>
auto hand_over(Self* self, const Handle& to, Ts&&... xs) {
#if QUIRE_CAF_LEGACY
  return self->delegate(to, std::forward<Ts>(xs)...);
#else
  return self->mail(std::forward<Ts>(xs)...).delegate(to);
#endif
}

/// Knows which actor system started the calling thread, for systems that have it
/// as a hook: `config.add_thread_hook<quire::thread_mark>()`.
class thread_mark final : public caf::thread_hook {
public:
  /// Returns null on a thread that no such system started.
  static caf::actor_system* system_of_thread() noexcept { return current(); }

  void init(caf::actor_system& system) override { system_ = &system; }

#if QUIRE_CAF_LEGACY
  void thread_started() override {
#else
  void thread_started(caf::thread_owner) override {
#endif
    current() = system_;
  }

  void thread_terminates() override {
    current() = nullptr;
  }

private:
  static caf::actor_system*& current() noexcept {
    thread_local caf::actor_system* system = nullptr;
    return system;
  }

  caf::actor_system* system_ = nullptr;
};

/// Takes back, at its end, what making a system or an actor did to the calling
/// thread: CAF leaves it a reference to the logger of the system, and a system
/// that ends waits until its logger is gone, thus for the end of every thread
/// that ever had a `scoped_actor` in it. Declare it before any of these.
///
/// A thread of a system with `thread_mark` gets the logger of that system back,
/// any other thread has none.
class logger_guard {
public:
  logger_guard() = default;
  logger_guard(const logger_guard&) = delete;
  logger_guard& operator=(const logger_guard&) = delete;

  ~logger_guard() {
#if QUIRE_CAF_LEGACY
    caf::logger::set_current_actor_system(thread_mark::system_of_thread());
#else
    caf::logger::current_logger(thread_mark::system_of_thread());
#endif
  }
};

/// What an `inspect` function does with the members of `x`.
template <class Inspector, class T, class... Members>
auto inspect_members(Inspector& f, [[maybe_unused]] T& x, [[maybe_unused]] const char* name,
                     Members&... members) {
#if QUIRE_CAF_LEGACY
  return f(caf::meta::type_name(name), members...);
#else
  return f.object(x).fields(f.field("member", members)...);
#endif
}

/// Runs `assign` after `f` has loaded `members`; when saving, `members` must hold
/// what is to be saved.
template <class Inspector, class Assign, class... Members>
auto inspect_through(Inspector& f, [[maybe_unused]] const char* name, Assign assign,
                     Members&... members) {
#if QUIRE_CAF_LEGACY
  return f(caf::meta::type_name(name), members..., caf::meta::load_callback([&]() -> caf::error {
             assign();
             return caf::none;
           }));
#else
  bool done = (f.apply(members) && ...);
  if (done && Inspector::is_loading)
    assign();
  return done;
#endif
}

} // namespace quire
