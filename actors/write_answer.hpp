#pragma once

#include "quire/actors/base.hpp"

#include <memory>
#include <utility>

namespace quire::actors {

/// The answer to a request that a service passed on to the writer. If the
/// service ends before the writer has answered it, nobody knows any more whether
/// the request took effect, and its sender is told so.
template <class Reply>
class write_answer {
public:
  explicit write_answer(promise<Reply> answer) : answer_(std::move(answer)) {}
  write_answer(const write_answer&) = delete;
  write_answer& operator=(const write_answer&) = delete;

  ~write_answer() {
    fail(make_failure(errc::commit_outcome_unknown,
                      "the service stopped before it learnt whether the request was committed"));
  }

  void deliver(Reply reply) {
    answer_.deliver(std::move(reply));
  }

  void fail(caf::error error) {
    answer_.fail(std::move(error));
  }

private:
  promise<Reply> answer_;
};

/// Answers the request that is being handled with what `f(storage::transaction&)`,
/// run by the writer, returns; before that, `done(const Reply*)` is told, of a failure
/// with null. The service counts those that are not answered yet in `requests_open`
/// of its state, and does what follows in its `proceed(self)`.
template <class Reply, class Self, class F, class Done>
caf::result<Reply> answer_with_write(Self* self, F f, Done done) {
  auto& state = state_of(self);
  ++state.requests_open;
  auto answer = std::make_shared<write_answer<Reply>>(promise_to_sender<Reply>(self));
  write_then(
    self, state.options.writer, state.options.env.request_timeout, std::move(f),
    [self, answer, done](Reply reply) {
      --state_of(self).requests_open;
      done(&reply);
      answer->deliver(std::move(reply));
      proceed(self);
    },
    [self, answer, done](const caf::error& error) {
      --state_of(self).requests_open;
      done(static_cast<const Reply*>(nullptr));
      answer->fail(error);
      proceed(self);
    });
  return caf::delegated<Reply>{};
}

template <class Reply, class Self, class F>
caf::result<Reply> answer_with_write(Self* self, F f) {
  return answer_with_write<Reply>(self, std::move(f), [](const Reply*) {});
}

} // namespace quire::actors
