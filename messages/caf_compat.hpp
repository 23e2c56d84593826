#pragma once

// Everything that differs between CAF 0.17 (Debian 12) and CAF 1.x. Only this
// file and the tests' fixture look at CAF's version. CAF_VERSION itself is not
// used: it is an octal number in 1.0 and 1.1.

#include <caf/all.hpp>
#include <caf/config.hpp>

#include <cstdint>
#include <set>
#include <string>
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

/// Where the reply to a request goes. Unlike CAF's own promise it may be moved to another
/// thread and used there. One that is dropped sends nothing.
class reply_address {
public:
  reply_address() = default;

  /// Takes the request that `self` is handling: nobody else can reply to it any more.
  template <class Reply, class Self>
  static reply_address of_request(Self* self) {
    auto typed = self->template make_response_promise<Reply>();
    reply_address result;
#if QUIRE_CAF_LEGACY
    caf::response_promise& content = typed;
    if (content.async())
      return result; // Nobody waits for an answer.
    result.receiver_ = content.next();
    result.id_ = content.id().response_id();
#else
    if (!typed.id().is_request())
      return result;
    result.receiver_ = typed.source();
    result.id_ = typed.id().response_id();
#endif
    return result;
  }

#if QUIRE_CAF_LEGACY
  /// The same for a message that arrived at `self` and is not handled by a behavior.
  static reply_address of_element(caf::strong_actor_ptr self, caf::mailbox_element& element) {
    caf::response_promise content{std::move(self), element};
    reply_address result;
    if (content.async())
      return result;
    result.receiver_ = content.next();
    result.id_ = content.id().response_id();
    return result;
  }
#endif

  /// Sends the reply, or an error.
  template <class T>
  void deliver(T x) {
    if (auto receiver = std::move(receiver_))
      receiver->enqueue(nullptr, id_, caf::make_message(std::move(x)), nullptr);
  }

private:
  caf::strong_actor_ptr receiver_;
  caf::message_id id_;
};

/// Returns a number that stands for the sender of the message that `self` handles, 0 if
/// nobody is known.
template <class Self>
std::uint64_t sender_number(Self* self) {
  auto& sender = self->current_sender();
  return sender ? static_cast<std::uint64_t>(sender->id()) : 0;
}

#if QUIRE_CAF_LEGACY

/// Stands in front of another actor and handles some of its messages itself, on the thread
/// of whoever sends them: `f(content, sender, reply)` returns whether it has. All others
/// are passed on.
template <class F>
class front_actor final : public caf::monitorable_actor {
public:
  front_actor(caf::actor_config& config, caf::strong_actor_ptr behind, F f)
    : caf::monitorable_actor(config), behind_(std::move(behind)), f_(std::move(f)) {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* context) override {
    auto& content = what->content();
    auto sender = what->sender ? static_cast<std::uint64_t>(what->sender->id()) : 0;
    // What is shared with others must not be moved away.
    if (!content.shared()
        && f_(content, sender, [&] { return reply_address::of_element(ctrl(), *what); }))
      return;
    if (content.template match_elements<caf::exit_msg>())
      cleanup(caf::error{content.template get_as<caf::exit_msg>(0).reason}, context);
    behind_->enqueue(std::move(what), context);
  }

  std::set<std::string> message_types() const override {
    return caf::actor_cast<caf::abstract_actor*>(behind_)->message_types();
  }

private:
  caf::strong_actor_ptr behind_;
  F f_;
};

/// Returns the message in `content` if it is one `T`, else null.
template <class T, class Content>
T* content_as(Content& content) {
  return content.template match_elements<T>() ? &content.template get_mutable_as<T>(0) : nullptr;
}

/// Returns a handle for `behind` with a `front_actor` in front of it.
template <class Handle, class F>
Handle in_front_of(caf::actor_system& system, const Handle& behind, F f) {
  caf::actor_config config;
  return caf::make_actor<front_actor<F>, Handle>(
    system.next_actor_id(), system.node(), &system, config,
    caf::actor_cast<caf::strong_actor_ptr>(behind), std::move(f));
}

#else

/// There is no front here: `behind` handles all by itself.
template <class Handle, class F>
Handle in_front_of(caf::actor_system&, const Handle& behind, F) {
  return behind;
}

template <class T, class Content>
T* content_as(Content&) {
  return nullptr;
}

#endif

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
