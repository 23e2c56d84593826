#pragma once

// Replies without an actor that sends them, and requests that are handled without an actor
// that receives them: what CAF has no public way for, for each of its versions.

#include "quire/messages/caf_compat.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace quire {

#if QUIRE_CAF_LEGACY

/// About how many replies are on their way to each actor, wait in its mailbox or are
/// just handled. Actors may share a count.
class replies_under_way {
public:
  static std::atomic<std::uint32_t>& of(std::uint64_t actor) noexcept {
    static std::array<std::atomic<std::uint32_t>, 4096> counts{};
    return counts[actor % counts.size()];
  }
};

/// Of the reply that is handled on a thread: whose it is, and its cycle.
struct handled_reply {
  std::uint64_t receiver = 0; ///< 0: there is none.
  std::uint32_t cycle = 0;
};

/// A reply that is counted until its receiver has handled it.
class own_reply : public caf::mailbox_element {
public:
  /// @param cycle how many replies before it answered what was sent for the one before, in
  ///        one and the same turn of the receiver.
  own_reply(std::uint64_t receiver, caf::message_id id, std::uint32_t cycle)
    : caf::mailbox_element(nullptr, id, {}), receiver_(receiver), cycle_(cycle) {
    replies_under_way::of(receiver_).fetch_add(1, std::memory_order_relaxed);
  }

  ~own_reply() override {
    replies_under_way::of(receiver_).fetch_sub(1, std::memory_order_relaxed);
    if (handled_.receiver == receiver_)
      handled_ = {};
  }

  /// Returns the cycle of a reply to what `actor` sends now, on this thread.
  static std::uint32_t next_cycle(std::uint64_t actor) noexcept {
    return handled_.receiver == actor ? handled_.cycle + 1 : 0;
  }

protected:
  /// Its receiver, on this thread, begins to handle it, or looks whether it can.
  void looked_at() const noexcept { handled_ = {receiver_, cycle_}; }

private:
  static inline thread_local handled_reply handled_{};
  std::uint64_t receiver_;
  std::uint32_t cycle_;
};

template <class T>
class counted_reply final : public own_reply,
                            public caf::detail::tuple_vals_impl<caf::type_erased_tuple, T> {
public:
  counted_reply(std::uint64_t receiver, caf::message_id id, std::uint32_t cycle, T x)
    : own_reply(receiver, id, cycle), caf::detail::tuple_vals_impl<caf::type_erased_tuple, T>(
                                        std::move(x)) {}

  caf::type_erased_tuple& content() override {
    looked_at();
    return *this;
  }

  const caf::type_erased_tuple& content() const override { return *this; }

  caf::message move_content_to_message() override {
    return caf::make_message(std::move(std::get<0>(this->data())));
  }

  caf::message copy_content_to_message() const override {
    return caf::make_message(std::get<0>(this->data()));
  }
};

/// Replies that reach their receivers when these and all other actors that can run have had
/// a turn. The scheduler runs it.
class later_replies final : public caf::ref_counted, public caf::resumable {
public:
  void add(caf::strong_actor_ptr receiver, caf::mailbox_element_ptr reply,
           caf::execution_unit* context) {
    {
      std::lock_guard guard(mutex_);
      waiting_.emplace_back(std::move(receiver), std::move(reply));
      if (std::exchange(scheduled_, true))
        return;
    }
    intrusive_ptr_add_ref_impl(); // The scheduler's.
    context->exec_later(this);
  }

  subtype_t subtype() const override { return function_object; }

  resume_result resume(caf::execution_unit* context, std::size_t) override {
    std::vector<std::pair<caf::strong_actor_ptr, caf::mailbox_element_ptr>> now;
    {
      std::lock_guard guard(mutex_);
      now.swap(waiting_);
      scheduled_ = false;
    }
    for (auto& [receiver, reply] : now)
      receiver->get()->enqueue(std::move(reply), context);
    return done;
  }

  void intrusive_ptr_add_ref_impl() override { ref(); }
  void intrusive_ptr_release_impl() override { deref(); }

  // Of its two bases, that which counts.
  friend void intrusive_ptr_add_ref(later_replies* x) { x->ref(); }
  friend void intrusive_ptr_release(later_replies* x) { x->deref(); }

private:
  std::mutex mutex_;
  std::vector<std::pair<caf::strong_actor_ptr, caf::mailbox_element_ptr>> waiting_;
  bool scheduled_ = false;
};

/// While an actor sends a request that may be answered at once, on its own thread. Its turn
/// would never end if each reply let it send the next request: after some of them the
/// reply waits for the next turn.
class own_turn {
public:
  static constexpr std::uint32_t cycles_max = 8;

  own_turn(std::uint64_t actor, later_replies& later, caf::execution_unit* context)
    : number_(actor), later_(later), context_(context), cycle_(own_reply::next_cycle(actor)),
      before_(std::exchange(current_, this)) {}

  own_turn(const own_turn&) = delete;
  own_turn& operator=(const own_turn&) = delete;
  ~own_turn() { current_ = before_; }

  /// Sends `x`, the reply to `id`, to `receiver`.
  template <class T>
  static void deliver(caf::strong_actor_ptr receiver, caf::message_id id, T x) {
    auto number = static_cast<std::uint64_t>(receiver->id());
    auto* turn = current_ && current_->number_ == number ? current_ : nullptr;
    auto ends = turn && turn->cycle_ >= cycles_max;
    caf::mailbox_element_ptr reply{
      new counted_reply<T>(number, id, turn && !ends ? turn->cycle_ : 0, std::move(x))};
    if (ends)
      turn->later_.add(std::move(receiver), std::move(reply), turn->context_);
    else
      receiver->get()->enqueue(std::move(reply), nullptr);
  }

private:
  std::uint64_t number_;
  later_replies& later_;
  caf::execution_unit* context_;
  std::uint32_t cycle_;
  own_turn* before_;
  static inline thread_local own_turn* current_ = nullptr;
};

#endif

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
    auto receiver = std::move(receiver_);
    if (!receiver)
      return;
#if QUIRE_CAF_LEGACY
    own_turn::deliver(std::move(receiver), id_, std::move(x));
#else
    receiver->enqueue(nullptr, id_, caf::make_message(std::move(x)), nullptr);
#endif
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

/// What a `front_actor` knows of whoever sends.
struct front_sender {
  std::uint64_t number = 0; ///< 0 if nobody is known.
  bool here = false;        ///< It is an actor, and this is its thread.
  bool idle = false; ///< The same, and it handles the only reply that waited for it, or none.
};

#if QUIRE_CAF_LEGACY

/// Stands in front of another actor and handles some of its messages itself, on the thread
/// of whoever sends them: `f(content, from, reply)` returns whether it has. All others are
/// passed on.
template <class F>
class front_actor final : public caf::monitorable_actor {
public:
  front_actor(caf::actor_config& config, caf::strong_actor_ptr behind, F f)
    : caf::monitorable_actor(config), behind_(std::move(behind)), f_(std::move(f)),
      later_(caf::make_counted<later_replies>()) {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* context) override {
    auto& content = what->content();
    front_sender from;
    if (what->sender) {
      from.number = static_cast<std::uint64_t>(what->sender->id());
      // A clock that sends for somebody has no context, and must go on.
      from.here = context != nullptr;
      from.idle = from.here && replies_under_way::of(from.number) <= 1;
    }
    std::optional<own_turn> turn;
    if (from.here)
      turn.emplace(from.number, *later_, context);
    // What is shared with others must not be moved away.
    if (!content.shared()
        && f_(content, from, [&] { return reply_address::of_element(ctrl(), *what); }))
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
  caf::intrusive_ptr<later_replies> later_;
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

} // namespace quire
