#include "quire/tests/simulation/clients.hpp"

#include "quire/actors/guard.hpp"
#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/storage/sqlite/kind_store.hpp"
#include "quire/storage/sqlite/schedule_store.hpp"
#include "quire/storage/sqlite/tenant_store.hpp"

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

namespace quire::tests {

namespace {

using namespace messages;
using namespace std::chrono_literals;

constexpr auto patience = std::chrono::seconds{90};
constexpr auto kinds = std::to_array<const char*>({"steady", "flaky", "hopeless"});

struct client_state {
  client_state() = default;
  static inline const char* name = "client";

  client_group* group = nullptr;
  int actions = 0;
};

using client_pointer = caf::stateful_actor<client_state>*;

outside_world& world_of(client_pointer self) {
  return *state_of(self).group->world;
}

void act(client_pointer self);

void go_on(client_pointer self) {
  auto& state = state_of(self);
  if (--state.actions <= 0) {
    --state.group->busy;
    self->quit();
    return;
  }
  std::chrono::milliseconds pause{world_of(self).choice.below(20)};
  tell_after(self, pause, caf::actor{self}, timer{});
}

/// Goes on after a failure of which nothing else is to be learnt.
auto shrug(client_pointer self, const char* what) {
  return [self, what](const caf::error& error) {
    world_of(self).events.add(what, static_cast<std::int64_t>(actors::code_of(error)));
    go_on(self);
  };
}

/// The same for a request for something that is in `things` under `number`.
auto note_failure(client_pointer self, ledger& things, std::int64_t number) {
  return [self, &things, number](const caf::error& error) {
    auto code = actors::code_of(error);
    world_of(self).events.add("failed", number, static_cast<std::int64_t>(code));
    if (outcome_of(code) == write_outcome::not_applied)
      things.refuse(number);
    go_on(self);
  };
}

// -- rows --------------------------------------------------------------------------

/// Whoever has a receipt sees what it is for.
void read_own_write(client_pointer self, std::int64_t number) {
  query request;
  request.statements.push_back({"SELECT count(*) FROM sim_row WHERE id = ?1", {value{number}}});
  ask(self, state_of(self).group->gateway, patience, std::move(request))
    .then(
      [self, number](const query_result& answer) {
        auto& world = world_of(self);
        auto seen = answer.results.at(0).rows.at(0).at(0).integer();
        world.events.add("seen", number, seen);
        if (seen != 2)
          world.violations.push_back("row " + std::to_string(number)
                                     + " was confirmed, and its writer does not see it");
        go_on(self);
      },
      shrug(self, "unseen"));
}

void write_row(client_pointer self) {
  auto& world = world_of(self);
  auto number = world.rows.attempt();
  write_batch batch;
  for (int half : {0, 1})
    batch.statements.push_back(
      {"INSERT INTO sim_row(id, half, filler) VALUES(?1, ?2, zeroblob(?3))",
       {value{number}, value{half}, value{world.choice.below(600)}}});
  if (world.choice.happens(60))
    batch.sync = world.choice.happens(50) ? durability::full : durability::normal;
  auto sync = batch.sync.value_or(world.sync);
  auto reads = world.choice.happens(40);
  world.events.add("write", number, static_cast<std::int64_t>(sync));
  ask(self, state_of(self).group->gateway, patience, std::move(batch))
    .then(
      [=](const receipt& done) {
        world_of(self).rows.confirm(number, sync, done.commit_seq);
        world_of(self).events.add("written", number, static_cast<std::int64_t>(done.commit_seq));
        if (reads)
          read_own_write(self, number);
        else
          go_on(self);
      },
      note_failure(self, world.rows, number));
}

/// The second statement fails: nothing of the first may stay.
void write_half(client_pointer self) {
  auto& world = world_of(self);
  auto number = world.rows.attempt();
  write_batch batch;
  for (int half : {0, 0})
    batch.statements.push_back({"INSERT INTO sim_row(id, half, filler) VALUES(?1, ?2, NULL)",
                                {value{number}, value{half}}});
  ask(self, state_of(self).group->gateway, patience, std::move(batch))
    .then(
      [self, number](const receipt&) {
        world_of(self).violations.push_back("row " + std::to_string(number) + " was written twice");
        go_on(self);
      },
      note_failure(self, world.rows, number));
}

/// No snapshot shows a part of somebody's batch.
void read_everything(client_pointer self) {
  query request;
  request.statements.push_back(
    {"SELECT count(*) FROM (SELECT id FROM sim_row GROUP BY id HAVING count(*) <> 2)", {}});
  ask(self, state_of(self).group->gateway, patience, std::move(request))
    .then(
      [self](const query_result& answer) {
        auto torn = answer.results.at(0).rows.at(0).at(0).integer();
        if (torn != 0)
          world_of(self).violations.push_back("a reader sees half of a batch");
        go_on(self);
      },
      shrug(self, "unread"));
}

// -- tasks and runs ------------------------------------------------------------------

retry_policy quick_retries(seeded_choice& choice) {
  retry_policy retry;
  retry.attempts_max = static_cast<int>(choice.between(1, 4));
  retry.base = std::chrono::milliseconds{choice.between(10, 200)};
  retry.cap = 1s;
  return retry;
}

void enqueue(client_pointer self) {
  auto& world = world_of(self);
  auto& choice = world.choice;
  enqueue_tasks request;
  std::vector<std::int64_t> numbers;
  for (auto count = choice.between(1, 3); count > 0; --count) {
    numbers.push_back(world.tasks.attempt());
    task_spec task;
    task.kind = choice.one_of(kinds);
    task.payload = "{\"number\":" + std::to_string(numbers.back()) + "}";
    task.priority = static_cast<task_priority>(choice.below(4));
    task.retry = quick_retries(choice);
    if (choice.happens(30)) {
      task.gate = "narrow";
      task.gate_capacity = 2;
    }
    if (choice.happens(20))
      task.run_at_ms = 1'700'000'000'000 + choice.between(0, 5'000);
    if (choice.happens(20))
      task.tenant = "acme";
    if (choice.happens(15))
      for (auto parts = choice.between(1, 3); parts > 0; --parts) {
        numbers.push_back(world.tasks.attempt());
        auto& part = task.subtasks.emplace_back();
        part.kind = choice.one_of(kinds);
        part.payload = "{\"number\":" + std::to_string(numbers.back()) + "}";
        part.retry = task.retry;
      }
    request.tasks.push_back(std::move(task));
  }
  world.events.add("enqueue", numbers.front(), static_cast<std::int64_t>(numbers.size()));
  ask(self, state_of(self).group->gateway, patience, std::move(request))
    .then(
      [self, numbers](const tasks_enqueued& done) {
        auto& known = world_of(self);
        auto& group = *state_of(self).group;
        for (auto number : numbers)
          known.tasks.confirm(number, known.sync);
        group.tasks.insert(group.tasks.end(), done.ids.begin(), done.ids.end());
        known.events.add("enqueued", numbers.front(), done.ids.front().value);
        go_on(self);
      },
      [self, numbers](const caf::error& error) {
        auto code = actors::code_of(error);
        world_of(self).events.add("not enqueued", numbers.front(),
                                  static_cast<std::int64_t>(code));
        if (outcome_of(code) == write_outcome::not_applied)
          for (auto number : numbers)
            world_of(self).tasks.refuse(number);
        go_on(self);
      });
}

std::string random_pipeline(seeded_choice& choice, std::int64_t number) {
  constexpr auto conditions
    = std::to_array<const char*>({"success", "not_failed", "any", "failed"});
  auto list = [&] {
    std::string items;
    for (auto left = choice.between(0, 4); left >= 0; --left)
      items += (items.empty() ? "\"" : ",\"") + std::to_string(left) + "\"";
    return "[" + items + "]";
  };
  auto task = [&](const char* item) {
    return std::string{"\"task\":{\"kind\":\""} + choice.one_of(kinds) + "\",\"max_attempts\":2,"
           "\"backoff_s\":0.05,\"payload\":{\"item\":\"" + item + "\"}}";
  };
  std::string concurrent = choice.happens(50) ? "\"max_concurrent\":2," : "";
  return "{\"name\":\"run" + std::to_string(number) + "\",\"stages\":["
         "{\"name\":\"spread\",\"for_each\":" + list() + "," + concurrent
         + "\"success\":{\"min_percent\":30}," + task("{{item}}") + "},"
         "{\"name\":\"beside\",\"optional\":true," + task("x") + "},"
         "{\"name\":\"gather\",\"after\":[{\"stage\":\"spread\",\"when\":\""
         + choice.one_of(conditions) + "\"},{\"stage\":\"beside\",\"when\":\"any\"}],"
         + task("{{stages.spread.outputs}}") + "},"
         "{\"name\":\"last\",\"after\":[{\"stage\":\"gather\",\"when\":\""
         + choice.one_of(conditions) + "\"}],\"for_each\":" + list() + "," + task("{{item}}") + "}]}";
}

void begin_run(client_pointer self) {
  auto& world = world_of(self);
  auto number = world.runs.attempt();
  start_run request{random_pipeline(world.choice, number), {}};
  world.events.add("start", number);
  ask(self, state_of(self).group->gateway, patience, std::move(request))
    .then(
      [self, number](const run_started& done) {
        world_of(self).runs.confirm(number, world_of(self).sync);
        state_of(self).group->runs.push_back(done.run);
        world_of(self).events.add("started", number, done.run.value);
        go_on(self);
      },
      [self, number, failed = note_failure(self, world.runs, number)](const caf::error& error) {
        if (actors::code_of(error) == errc::invalid_argument)
          world_of(self).violations.push_back("a pipeline of the simulation was refused: "
                                              + actors::text_of(error));
        failed(error);
      });
}

template <class Request>
void change(client_pointer self, Request request, const char* what) {
  ask(self, state_of(self).group->gateway, patience, std::move(request))
    .then(
      [self, what](const std::conditional_t<std::is_same_v<Request, messages::cancel_run>,
                                            run_changed, task_changed>& done) {
        world_of(self).events.add(what, static_cast<std::int64_t>(done.state));
        go_on(self);
      },
      shrug(self, what));
}

void await_something(client_pointer self) {
  auto& group = *state_of(self).group;
  auto task = world_of(self).choice.one_of(group.tasks);
  ask(self, group.gateway, 5s, await_task{task})
    .then(
      [self](const task_record& record) {
        auto& world = world_of(self);
        world.events.add("ended", record.id.value, static_cast<std::int64_t>(record.state));
        if (!is_terminal(record.state))
          world.violations.push_back("a task that has not ended was reported as ended");
        go_on(self);
      },
      shrug(self, "not ended"));
}

// -- what is decided about tasks -------------------------------------------------------

/// Somebody changes his mind about schedules, kinds, breakers and tenants.
void decide(client_pointer self) {
  auto& choice = world_of(self).choice;
  auto now_ms = 1'700'000'000'000 + choice.between(0, 5'000);
  auto shared = [](auto work) {
    return std::make_shared<const std::function<void(storage::transaction&)>>(std::move(work));
  };
  write_call request;
  switch (choice.below(state_of(self).group->may_schedule ? 4 : 3)) {
    case 3: {
      schedule_spec schedule;
      schedule.name = "tick";
      schedule.spec = "every 1s";
      schedule.task.kind = choice.one_of(kinds);
      schedule.task.payload = "{}";
      schedule.task.retry = quick_retries(choice);
      schedule.overlap = static_cast<schedule_overlap>(choice.below(4));
      schedule.catch_up = static_cast<schedule_catch_up>(choice.below(3));
      request.run = shared(
        [=](storage::transaction& tx) { storage::put_schedule(tx, schedule, now_ms); });
      break;
    }
    case 2: {
      kind_policy policy;
      if (choice.happens(50))
        policy.limit = static_cast<int>(choice.between(1, 2));
      if (choice.happens(30))
        policy.rate = rate_limit{1, std::chrono::milliseconds{choice.between(1, 50)}, 3};
      std::string kind = choice.one_of(kinds);
      if (choice.happens(50))
        policy.breaker = "service";
      breaker_policy breaker;
      breaker.failures = 2;
      breaker.open_for = 100ms;
      request.run = shared([=](storage::transaction& tx) {
        storage::put_breaker(tx, "service", breaker, now_ms);
        storage::set_kind_policy(tx, kind, policy, now_ms);
      });
      break;
    }
    case 1:
      request.run =
        shared([](storage::transaction& tx) { storage::remove_schedule(tx, "tick"); });
      break;
    default: {
      tenant_policy policy;
      policy.weight = static_cast<int>(choice.between(1, 5));
      request.run = shared(
        [=](storage::transaction& tx) { storage::set_tenant_policy(tx, "acme", policy); });
    }
  }
  ask(self, state_of(self).group->gateway, patience, std::move(request))
    .then(
      [self](const receipt& done) {
        world_of(self).events.add("decided", static_cast<std::int64_t>(done.commit_seq));
        go_on(self);
      },
      shrug(self, "not decided"));
}

// -- the client ------------------------------------------------------------------------

void disturb(client_pointer self) {
  auto& group = *state_of(self).group;
  auto& choice = world_of(self).choice;
  if (!group.runs.empty() && choice.happens(25)) {
    auto run = choice.one_of(group.runs);
    return change(self, cancel_run{run, "the simulation wants it"}, "cancel run");
  }
  if (group.tasks.empty())
    return read_everything(self);
  if (choice.happens(40))
    return await_something(self);
  auto task = choice.one_of(group.tasks);
  if (choice.happens(50))
    return change(self, cancel_task{task, "the simulation wants it"}, "cancel");
  change(self, retry_task{task}, "retry");
}

void act(client_pointer self) {
  auto& choice = world_of(self).choice;
  auto roll = choice.below(100);
  if (roll < 55)
    write_row(self);
  else if (roll < 58)
    write_half(self);
  else if (roll < 62)
    read_everything(self);
  else if (roll < 76)
    enqueue(self);
  else if (roll < 82)
    begin_run(self);
  else if (roll < 86)
    decide(self);
  else
    disturb(self);
}

caf::behavior client(client_pointer self, client_group* group, int actions) {
  state_of(self).group = group;
  state_of(self).actions = actions;
  self->set_exception_handler([self](caf::scheduled_actor*, std::exception_ptr&) -> caf::error {
    world_of(self).violations.push_back("a client failed: an answer is not what was asked for");
    return caf::exit_reason::unhandled_exception;
  });
  tell(self, caf::actor{self}, timer{});
  return {[self](timer) { act(self); }};
}

task_outcome random_outcome(outside_world& world, const task_context& context) {
  auto& choice = world.choice;
  auto steady = context.task.kind == "steady";
  auto output = "\"result " + std::to_string(world.results.size()) + "\"";
  auto keep = [&](task_outcome::verdict what) {
    world.results[output] = {context.task.id, context.task.epoch, what};
  };
  if (steady || choice.happens(context.task.kind == "flaky" ? 60 : 10)) {
    keep(task_outcome::verdict::completed);
    return task_outcome::success(output);
  }
  switch (choice.below(6)) {
    case 0:
      keep(task_outcome::verdict::partial_success);
      return task_outcome::partial(output, "half of it");
    case 1: return task_outcome::failure("for good", error_class::permanent);
    case 2: throw std::runtime_error("out of a handler");
    case 3: throw 3;
    default: return task_outcome::failure("for this time");
  }
}

} // namespace

task_handlers simulated_handlers(outside_world& world) {
  task_handlers handlers;
  for (auto* kind : kinds)
    handlers[kind] = [&world](task_context& context) {
      world.events.add("run", context.task.id.value, context.task.epoch);
      return random_outcome(world, context);
    };
  return handlers;
}

caf::actor spawn_client(caf::actor_system& system, client_group& group, int actions) {
  ++group.busy;
  return system.spawn(client, &group, actions);
}

} // namespace quire::tests
