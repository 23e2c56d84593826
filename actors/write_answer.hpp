#pragma once

#include "quire/actors/guard.hpp"

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

} // namespace quire::actors
