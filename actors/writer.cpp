#include "quire/actors/writer.hpp"

#include "quire/actors/base.hpp"
#include "quire/actors/checkpoint_plan.hpp"
#include "quire/actors/writer_requests.hpp"
#include "quire/storage/sqlite/batch_executor.hpp"
#include "quire/storage/sqlite/upkeep.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace quire::actors {

namespace {

using namespace messages;

/// What the writer sends to itself: everything that waited before it is in.
using writer_impl = writer_actor::extend<on<void(timer)>>;

constexpr auto service_name = "writer";

struct writer_state {
  writer_state() = default;
  static inline const char* name = service_name;

  writer_options options;
  std::shared_ptr<storage::batch_executor> executor;
  std::deque<std::unique_ptr<write_request>> waiting;
  bool flush_sent = false;
  checkpoint_plan checkpoints{0, 0, 0};
  std::int64_t checkpoints_done = 0;
  std::vector<caf::actor> subscribers;
  std::string note;
};

using writer_pointer = writer_impl::stateful_pointer<writer_state>;

void publish(writer_pointer self, const std::vector<storage::member_result>& results) {
  committed news;
  for (auto& result : results) {
    if (result.failure)
      continue;
    news.commit_seq = std::max(news.commit_seq, result.commit_seq);
    news.events.insert(news.events.end(), result.events.begin(), result.events.end());
  }
  if (news.events.empty())
    return;
  for (auto& subscriber : state_of(self).subscribers)
    caf::anon_send(subscriber, news);
}

/// The same; what was committed is committed, whether it can be told or not.
void publish_if_possible(writer_pointer self, const std::vector<storage::member_result>& results) {
  try {
    publish(self, results);
  } catch (const std::exception& failure) {
    // Subscribers look from time to time although nobody told them.
    state_of(self).note = std::string{"a commit could not be published: "} + failure.what();
    log(log_level::warn, service_name, state_of(self).note);
  }
}

void checkpoint_if_due(writer_pointer self) {
  auto& state = state_of(self);
  if (!state.options.checkpoints)
    return;
  try {
    auto frames = state.executor->db().wal_frames();
    auto step = state.checkpoints.due(frames, !state.waiting.empty());
    if (step == checkpoint_step::none)
      return;
    if (step == checkpoint_step::restart)
      state.executor->db().checkpoint(true, state.options.checkpoint_patience);
    else
      state.executor->db().checkpoint(false);
    state.checkpoints.done(frames, step);
    ++state.checkpoints_done;
  } catch (const storage::error& failure) {
    state.note = failure.what();
    log(log_level::warn, service_name, std::string{"checkpoint failed: "} + failure.what());
  }
}

/// Commits what waits, up to the limit of one batch, and answers.
void flush(writer_pointer self) {
  auto& state = state_of(self);
  state.flush_sent = false;
  auto count = std::min(state.waiting.size(), state.options.batch_members_max);
  std::vector<std::unique_ptr<write_request>> batch;
  std::vector<storage::batch_member*> members;
  batch.reserve(count);
  members.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    batch.push_back(std::move(state.waiting.front()));
    state.waiting.pop_front();
    members.push_back(batch.back().get());
  }
  auto results = state.executor->execute(members);
  // Before the answers: whoever acts on an answer finds the services informed.
  publish_if_possible(self, results);
  for (std::size_t i = 0; i < count; ++i) {
    if (state.options.waiting && batch[i]->counted())
      state.options.waiting->leave(batch[i]->bytes());
    batch[i]->answer(results[i]);
  }
  checkpoint_if_due(self);
}

void flush_soon(writer_pointer self) {
  auto& state = state_of(self);
  if (state.flush_sent || state.waiting.empty())
    return;
  state.flush_sent = true;
  // It comes after everything that is in the mailbox now: that is the batch.
  tell(self, writer_impl{self}, timer{});
}

template <class Request, class Message>
caf::result<receipt> accept(writer_pointer self, Message& message) {
  auto& state = state_of(self);
  auto sync = message.sync.value_or(state.options.sync);
  state.waiting.push_back(
    std::make_unique<Request>(std::move(message), sync, promise_to_sender<receipt>(self)));
  flush_soon(self);
  return caf::delegated<receipt>{};
}

caf::result<upkeep_done> look_after(writer_pointer self, const upkeep_request& request) {
  auto& state = state_of(self);
  try {
    auto& db = state.executor->db();
    upkeep_done done;
    if (request.optimize)
      storage::optimize(db);
    if (state.options.checkpoints) {
      auto result = db.checkpoint(request.truncate);
      state.checkpoints.done(result.frames);
      ++state.checkpoints_done;
      done = {result.frames, result.moved};
    }
    return done;
  } catch (const storage::error& failure) {
    state.note = failure.what();
    return to_caf(failure);
  }
}

service_status report(const writer_state& state) {
  auto& totals = state.executor->totals();
  service_status status{service_name, "running", 0, {}, state.note};
  status.counters = {
    {"commits", totals.commits},
    {"members", totals.members},
    {"batch_max", totals.batch_max},
    {"failed", totals.failed},
    {"replays", totals.replays},
    {"locked_errors", totals.locked_errors},
    {"commit_seq", static_cast<std::int64_t>(state.executor->commit_seq())},
    {"waiting", static_cast<std::int64_t>(state.waiting.size())},
    {"checkpoints", state.checkpoints_done},
  };
  return status;
}

writer_impl::behavior_type writer(writer_pointer self, writer_options options,
                                  std::shared_ptr<storage::batch_executor> executor) {
  auto& initial = state_of(self);
  initial.checkpoints = {options.checkpoint_frames, options.checkpoint_frames_busy,
                         options.checkpoint_frames_max};
  initial.options = std::move(options);
  initial.executor = std::move(executor);
  install_handlers(self, service_name, [self](const caf::down_msg& message) {
    std::erase_if(state_of(self).subscribers, [&](const caf::actor& subscriber) {
      return subscriber.address() == message.source;
    });
  });
  self->set_exit_handler([self](caf::exit_msg& message) {
    auto& state = state_of(self);
    state.waiting.clear(); // Answers them: unavailable.
    state.executor.reset();
    self->quit(std::move(message.reason));
  });
  return {
    [self](status_request) { return report(state_of(self)); },
    [self](drain) {
      while (!state_of(self).waiting.empty())
        flush(self);
      // Here, and not with the state, which goes only after others were told: the
      // next writer must find this connection closed.
      state_of(self).executor.reset();
      self->quit();
      return drained{};
    },
    [self](write_batch& batch) { return accept<batch_request>(self, batch); },
    [self](write_call& call) { return accept<call_request>(self, call); },
    [self](upkeep_request request) { return look_after(self, request); },
    [self](subscribe& request) {
      self->monitor(request.subscriber);
      state_of(self).subscribers.push_back(std::move(request.subscriber));
      return subscribed{};
    },
    [self](timer) {
      flush(self);
      flush_soon(self);
    },
  };
}

} // namespace

messages::writer_actor spawn_writer(caf::actor_system& system, writer_options options) {
  auto deadline = std::make_shared<std::chrono::steady_clock::time_point>();
  storage::batch_executor::time_limit limit{
    [deadline, clock = options.env.clock, most = options.write_limit] {
      *deadline = clock->now() + most;
    },
    [deadline, clock = options.env.clock] { return clock->now() >= *deadline; }};
  auto executor = std::make_shared<storage::batch_executor>(options.open, std::move(limit));
  // SQLite blocks: on a thread of the scheduler it would hold up everybody else.
  if (options.env.own_threads)
    return system.spawn<caf::detached>(writer, std::move(options), std::move(executor));
  return system.spawn(writer, std::move(options), std::move(executor));
}

} // namespace quire::actors
