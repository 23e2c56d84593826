#pragma once

#include "quire/actors/guard.hpp"
#include "quire/actors/log.hpp"
#include "quire/messages/interfaces.hpp"
#include "quire/storage/sqlite/transaction.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace quire::actors {

/// Installs the default, exception, down and exit handlers that every actor of
/// ours has: CAF's own print to stdout and stderr.
///
/// An unexpected message is answered with `errc::invalid_argument`; an exception
/// that nobody planned ends the actor, and its supervisor deals with it; an exit
/// message ends it. `on_down` is told of monitored actors that ended.
template <class Self>
void install_handlers(Self* self, const char* name,
                      std::function<void(const caf::down_msg&)> on_down = {}) {
  self->set_default_handler(
    [name](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> {
      log(log_level::warn, name, "an unexpected message was refused");
      return make_failure(errc::invalid_argument, "this service does not know such a message");
    });
  self->set_exception_handler(
    [name](caf::scheduled_actor*, std::exception_ptr& failure) -> caf::error {
      std::string text = "unknown exception";
      try {
        std::rethrow_exception(failure);
      } catch (const std::exception& known) {
        text = known.what();
      } catch (...) {
      }
      log(log_level::error, name, "ended by an exception: " + text);
      return make_failure(errc::internal, text);
    });
  self->set_down_handler([on_down = std::move(on_down)](caf::down_msg& message) {
    if (on_down)
      on_down(message);
  });
  self->set_exit_handler([self](caf::exit_msg& message) { self->quit(std::move(message.reason)); });
}

/// Runs `f(storage::transaction&)` on the writer; then, in this actor,
/// `done(result)` once it is committed, or `failed(const caf::error&)`.
template <class Self, class F, class Done, class Failed>
void write_then(Self* self, const messages::writer_actor& writer, std::chrono::milliseconds timeout,
                F f, Done done, Failed failed, std::optional<durability> sync = std::nullopt) {
  using result = std::invoke_result_t<F&, storage::transaction&>;
  using slot = std::conditional_t<std::is_void_v<result>, char, std::optional<result>>;
  auto value = std::make_shared<slot>();
  messages::write_call call;
  call.sync = sync;
  call.terms.lane = lane::control;
  call.terms.timeout = timeout;
  call.run = std::make_shared<const std::function<void(storage::transaction&)>>(
    [f = std::move(f), value](storage::transaction& tx) mutable {
      if constexpr (std::is_void_v<result>)
        f(tx);
      else
        value->emplace(f(tx));
    });
  ask(self, writer, timeout, std::move(call))
    .then(
      [value, done = std::move(done)](const messages::receipt&) mutable {
        if constexpr (std::is_void_v<result>)
          done();
        else
          done(std::move(**value));
      },
      [failed = std::move(failed)](const caf::error& error) mutable { failed(error); });
}

/// Runs `f(storage::snapshot&)`, which looks up a few rows, on a reader; then, in this actor, `done(result)`
/// or `failed(const caf::error&)`.
template <class Self, class F, class Done, class Failed>
void read_then(Self* self, const messages::reader_pool_actor& readers,
               std::chrono::milliseconds timeout, F f, Done done, Failed failed) {
  using result = std::invoke_result_t<F&, storage::snapshot&>;
  auto value = std::make_shared<std::optional<result>>();
  messages::read_call call;
  call.quick = true;
  call.run = std::make_shared<const std::function<void(storage::snapshot&)>>(
    [f = std::move(f), value](storage::snapshot& db) mutable { value->emplace(f(db)); });
  ask(self, readers, timeout, std::move(call))
    .then([value, done = std::move(done)](
            const messages::read_done&) mutable { done(std::move(**value)); },
          [failed = std::move(failed)](const caf::error& error) mutable { failed(error); });
}

} // namespace quire::actors
