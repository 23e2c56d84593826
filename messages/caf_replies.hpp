#pragma once

// Replies without an actor that sends them, and requests that are handled without an actor
// that receives them: what CAF has no public way for, for each of its versions.

#include "quire/messages/caf_compat.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <utility>

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

/// A reply that is counted until its receiver has handled it.
template <class T>
class counted_reply final : public caf::mailbox_element,
                            public caf::detail::tuple_vals_impl<caf::type_erased_tuple, T> {
public:
  counted_reply(std::uint64_t receiver, caf::message_id id, T x)
    : caf::mailbox_element(nullptr, id, {}),
      caf::detail::tuple_vals_impl<caf::type_erased_tuple, T>(std::move(x)), receiver_(receiver) {
    replies_under_way::of(receiver_).fetch_add(1, std::memory_order_relaxed);
  }

  ~counted_reply() override {
    replies_under_way::of(receiver_).fetch_sub(1, std::memory_order_relaxed);
  }

  caf::type_erased_tuple& content() override { return *this; }
  const caf::type_erased_tuple& content() const override { return *this; }

  caf::message move_content_to_message() override {
    return caf::make_message(std::move(std::get<0>(this->data())));
  }

  caf::message copy_content_to_message() const override {
    return caf::make_message(std::get<0>(this->data()));
  }

private:
  std::uint64_t receiver_;
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
    auto number = static_cast<std::uint64_t>(receiver->id());
    caf::mailbox_element_ptr reply{new counted_reply<T>(number, id_, std::move(x))};
    receiver->get()->enqueue(std::move(reply), nullptr);
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
    : caf::monitorable_actor(config), behind_(std::move(behind)), f_(std::move(f)) {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* context) override {
    auto& content = what->content();
    front_sender from;
    if (what->sender) {
      from.number = static_cast<std::uint64_t>(what->sender->id());
      // A clock that sends for somebody has no context, and must go on.
      from.here = context != nullptr;
      from.idle = from.here && replies_under_way::of(from.number) <= 1;
    }
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
