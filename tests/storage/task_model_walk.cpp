#include "quire/tests/storage/task_model_walk.hpp"

#include "quire/storage/sqlite/invariants.hpp"
#include "quire/storage/sqlite/upkeep.hpp"

#include <algorithm>

namespace quire::tests {

namespace {

constexpr std::int64_t operations_a_check = 200;
constexpr std::size_t remembered_max = 200;

/// Returns a random key of `from` whose value is `wanted`, if there is one.
template <class Map, class Wanted>
std::optional<std::int64_t> pick(seeded_choice& choose, const Map& from, Wanted wanted) {
  std::vector<std::int64_t> keys;
  for (auto& [key, x] : from)
    if (wanted(x))
      keys.push_back(key);
  if (keys.empty())
    return std::nullopt;
  return choose.one_of(keys);
}

} // namespace

task_walk::task_walk(std::uint64_t seed, const task_mutant* planted)
  : choose_(seed), planted_(planted) {
  // Nothing here is about power cuts.
  db.execute("PRAGMA synchronous = OFF; CREATE TABLE planted(active INTEGER)");
  bool always = planted && planted->when == task_mutant::moment::always;
  db.execute(always ? "INSERT INTO planted VALUES(1)" : "INSERT INTO planted VALUES(0)");
  if (planted && *planted->trigger)
    db.execute(planted->trigger);
}

void task_walk::run_operations(std::int64_t count) {
  for (std::int64_t done = 0; done < count;) {
    now += static_cast<std::int64_t>(below(3));
    auto operations = chance(30) ? 1 + below(5) : 1;
    transact(operations, !chance(8));
    auto before = done;
    done += static_cast<std::int64_t>(operations);
    if (before / operations_a_check != done / operations_a_check)
      check();
  }
  check();
}

void task_walk::transact(std::size_t operations, bool keep) {
  // A transaction that fails leaves nothing, in the tables as in the model.
  auto model = keep ? task_model{} : model_;
  auto claims = claims_;
  auto fan_outs = fan_outs_;
  auto shares = shares_;
  auto boot_before = boot;
  model_.forget_events();
  storage::transaction_guard guard{db};
  transaction tx{db};
  for (std::size_t i = 0; i < operations; ++i) {
    operate(tx);
    for (int j = 0; j < zombies_after_each; ++j)
      let_zombie_speak(tx);
  }
  if (keep) {
    check_events(tx.events());
    guard.commit();
    runs_ended += static_cast<std::int64_t>(model_.events.runs.size());
    return;
  }
  ++rolled_back;
  model_ = std::move(model);
  claims_ = std::move(claims);
  fan_outs_ = std::move(fan_outs);
  shares_ = std::move(shares);
  boot = boot_before;
}

void task_walk::operate(transaction& tx) {
  auto what = below(1000);
  if (what < 180)
    enqueue_one(tx);
  else if (what < 200)
    enqueue_many(tx);
  else if (what < 225)
    start_run(tx);
  else if (what < 345)
    claim_some(tx, 1 + below(chance(20) ? 20 : 5));
  else if (what < 600)
    finish_held(tx, false);
  else if (what < 640)
    finish_many(tx);
  else if (what < 700)
    let_zombie_speak(tx);
  else if (what < 720)
    say_something(tx);
  else if (what < 830)
    continue_fan_out(tx, 3);
  else if (what < 850)
    let_stale_fan_out_speak(tx);
  else if (what < 882)
    promote(tx, 1 + static_cast<int>(below(20)));
  else if (what < 890)
    decide_on_queue(tx);
  else if (what < 896)
    decide_on_tenant(tx);
  else if (what < 903)
    decide_on_kind(tx);
  else
    operate_rarely(tx, what);
}

void task_walk::operate_rarely(transaction& tx, std::size_t what) {
  if (what < 906)
    restart(tx);
  else if (what < 935)
    cancel_one(tx);
  else if (what < 965)
    retry_one(tx);
  else if (what < 973)
    cancel_a_run(tx);
  else if (what < 980)
    change_capacity(tx);
  else if (what < 990)
    clean_up(tx);
  else
    give_up_stuck(tx);
}

bool task_walk::is_held(const claim_of& claim) const {
  auto found = model_.tasks.find(claim.task.value);
  return found != model_.tasks.end() && found->second.state == task_state::running
         && found->second.epoch == claim.epoch;
}

task_spec task_walk::random_spec() {
  auto spec = work(chance(50) ? "work" : "other");
  spec.priority = static_cast<task_priority>(below(4));
  spec.queue = chance(70) ? "default" : chance(50) ? "q" : "r";
  spec.tenant = chance(60) ? "" : chance(50) ? "a" : "b";
  spec.retry.attempts_max = 1 + static_cast<int>(below(3));
  spec.retry.base = std::chrono::milliseconds{below(10)};
  spec.timeout = std::chrono::milliseconds{0}; // Or it could never be stuck.
  spec.crashes_max = static_cast<int>(below(4));
  if (chance(15))
    spec.start_within = std::chrono::milliseconds{1 + below(60)};
  if (chance(15))
    spec.end_within = std::chrono::milliseconds{1 + below(150)};
  if (chance(60)) {
    spec.gate = "g" + std::to_string(below(8));
    spec.gate_capacity = 1 + static_cast<int>(below(3));
  }
  if (chance(20))
    spec.run_at_ms = now + 1 + static_cast<std::int64_t>(below(50));
  return spec;
}

void task_walk::claim_some(transaction& tx, std::size_t count) {
  const std::vector<std::string> kinds{"work", "other"};
  auto all = storage::claim_tasks(tx, kinds, count, {}, boot, now, shares_);
  shares_ = all.shares;
  auto& claimed = all.tasks;
  auto expected = model_.claim(count, now);
  check_claim(tx, claimed);
  require(claimed.size() == expected.size(), "claimed were " + std::to_string(claimed.size())
                                               + " tasks, not " + std::to_string(expected.size()));
  for (std::size_t i = 0; i < claimed.size(); ++i) {
    auto& task = model_.tasks.at(expected[i]);
    require(
      claimed[i].id.value == expected[i] && claimed[i].epoch == task.epoch
        && claimed[i].attempt == task.attempt && claimed[i].kind == task.kind,
      name_of("claimed instead of another, or with other numbers, was task", claimed[i].id.value));
    claims_.push_back({claimed[i].id, claimed[i].epoch});
  }
  if (claims_.size() > remembered_max)
    std::erase_if(claims_, [&](auto& x) { return !is_held(x) && chance(50); });
}

task_outcome task_walk::random_outcome(bool mostly_good) {
  auto x = mostly_good ? below(75) : below(115);
  if (x < 70)
    return task_outcome::success("1");
  if (x < 75)
    return task_outcome::partial("2", "half");
  if (x < 80)
    return task_outcome::failure("no", error_class::permanent);
  if (x < 95)
    return task_outcome::failure("not now");
  if (x < 105)
    return task_outcome::released("later");
  if (x >= 110)
    return task_outcome::snoozed(std::chrono::milliseconds{5});
  task_outcome cancelled;
  cancelled.what = task_outcome::verdict::cancelled;
  return cancelled;
}

std::int64_t task_walk::forged(transaction& tx, const claim_of& claim, task_mutant::speaker who) {
  bool planted = planted_ && planted_->who == who;
  auto fence = planted ? planted_->looks_at : task_mutant::fence::state_and_epoch;
  return forge_claim(tx, fence, claim.task, claim.epoch);
}

void task_walk::finish(transaction& tx, const claim_of& claim, const task_outcome& outcome) {
  auto held = is_held(claim);
  auto retry_at_ms = now + static_cast<std::int64_t>(below(10));
  auto epoch = held ? claim.epoch : forged(tx, claim, task_mutant::speaker::finish);
  auto end = storage::finish_attempt(tx, claim.task, epoch, outcome, retry_at_ms, now);
  auto expected = model_.finish(claim.task.value, claim.epoch, outcome, retry_at_ms, now);
  storage::breaker_results results(tx, now);
  tell_breaker(results, claim.task, end, outcome);
  results.save();
  require(end.accepted == expected.accepted && end.state == expected.state,
          name_of(held ? "its claim ended otherwise: task" : "a claim that was over ended task",
                  claim.task.value));
}

void task_walk::crash(transaction& tx, const claim_of& claim) {
  during(tx, task_mutant::moment::loss, [&] {
    auto epoch = is_held(claim) ? claim.epoch : forged(tx, claim, task_mutant::speaker::crash);
    auto end = storage::crash_attempt(tx, claim.task, epoch, "died", now);
    auto expected = model_.crash(claim.task.value, claim.epoch, now);
    require(end.accepted == expected.accepted && end.state == expected.state,
            name_of("a crash ended otherwise: task", claim.task.value));
    claims_lost += end.accepted;
  });
}

void task_walk::finish_held(transaction& tx, bool mostly_good) {
  auto running = [](auto& x) { return x.state == task_state::running; };
  auto id = pick(choose_, model_.tasks, running);
  if (!id)
    return;
  claim_of claim{task_id{*id}, model_.tasks.at(*id).epoch};
  if (!mostly_good && chance(8))
    crash(tx, claim);
  else
    finish(tx, claim, random_outcome(mostly_good));
}

// Of a claim that is over: of an earlier one, or of one whose end is known.
void task_walk::let_zombie_speak(transaction& tx) {
  auto runs_again = [&](const claim_of& x) {
    auto found = model_.tasks.find(x.task.value);
    return found != model_.tasks.end() && found->second.state == task_state::running
           && found->second.epoch != x.epoch;
  };
  std::vector<claim_of> over;
  bool in_the_way = chance(50); // The task runs, so that only the epoch tells.
  for (auto& x : claims_)
    if (in_the_way ? runs_again(x) : !is_held(x))
      over.push_back(x);
  if (over.empty())
    return;
  auto claim = choose_.one_of(over);
  overtaken_refused += runs_again(claim);
  ++zombies_refused;
  if (chance(20))
    crash(tx, claim);
  else
    finish(tx, claim, random_outcome(false));
}

void task_walk::restart(transaction& tx) {
  during(tx, task_mutant::moment::loss, [&] {
    claims_lost += number("SELECT count(*) FROM quire_task WHERE state = 3");
    boot = storage::begin_boot(tx, now).boot;
    model_.reboot(now);
  });
}

void task_walk::cancel_one(transaction& tx) {
  auto id = pick(choose_, model_.tasks, [](auto& x) { return !is_terminal(x.state); });
  if (!id)
    return;
  during(tx, task_mutant::moment::cancel, [&] {
    auto state = storage::cancel_task(tx, task_id{*id}, "not needed", now);
    model_.cancel(*id, now);
    require(state == model_.tasks.at(*id).state, name_of("cancelled otherwise was task", *id));
  });
}

void task_walk::retry_one(transaction& tx) {
  auto wanted = [](auto& x) { return is_terminal(x.state) && x.state != task_state::completed; };
  auto id = pick(choose_, model_.tasks, wanted);
  if (!id)
    return;
  auto failure = failure_of([&] { storage::retry_task(tx, task_id{*id}, now); });
  require(!failure || failure->code() == errc::conflict, failure ? failure->what() : "");
  require(model_.retry(*id, now) == !failure, name_of("refused or started again was task", *id));
}

void task_walk::clean_up(transaction& tx) {
  storage::prune_tasks(tx, now - 300, 50);
  model_.prune_tasks(now - 300, 50);
  storage::prune_runs(tx, now - 300, 1'000'000);
  model_.prune_runs(now - 300);
  require(storage::delete_orphans(tx) == 0, "a task had lost its stage");
}

// There is no function for it: a person does it, and calls the doctor.
void task_walk::change_capacity(transaction& tx) {
  auto gate = "g" + std::to_string(below(8));
  auto capacity = 1 + static_cast<int>(below(4));
  tx.execute("UPDATE quire_gate SET capacity = ?2 WHERE gate = ?1", gate, capacity);
  storage::find_invariant("free_places")->repair(tx, now);
  model_.set_capacity(gate, capacity);
}

void task_walk::start_run(transaction& tx) {
  std::vector<stage_spec> stages;
  auto count = 1 + below(5);
  for (std::size_t i = 0; i < count; ++i) {
    auto& stage = stages.emplace_back(stage_after(std::to_string(i)));
    stage.success = {static_cast<int>(below(3) * 50), static_cast<std::int64_t>(below(3))};
    stage.optional = chance(20);
    for (std::size_t source = 0; source < i; ++source)
      if (chance(50))
        stage.after.push_back({std::to_string(source), static_cast<edge_condition>(below(4))});
  }
  auto spec = pipeline(std::move(stages));
  auto run = storage::create_run(tx, spec, {}, boot, now);
  auto ids = tx.query_as<std::int64_t>(
    "SELECT id FROM quire_stage WHERE run_id = ?1 ORDER BY position", run.value);
  model_.start(run.value, ids, spec, now);
}

void task_walk::continue_fan_out(transaction& tx, int failing_percent) {
  auto found = storage::fanning_stages(tx, 100);
  for (auto& x : found) {
    auto& stage = model_.stages.at(x.stage.stage.value);
    require(stage.state == stage_state::fanning && stage.generation == x.stage.generation
              && static_cast<std::int64_t>(stage.tasks.size()) == x.created,
            name_of("is not fanning, or has other tasks: stage", x.stage.stage.value));
  }
  if (found.empty())
    return;
  auto& stage = found[below(found.size())];
  fan_outs_.push_back(stage.stage); // It may speak again.
  if (fan_outs_.size() > 50)
    fan_outs_.erase(fan_outs_.begin());
  if (chance(failing_percent)) {
    require(storage::fail_stage(tx, stage.stage, "no list", now), "an open stage could not fail");
    return model_.fail_stage(stage.stage.stage.value, now);
  }
  auto all = stage.stage.stage.value % 7;
  auto first = stage.created;
  auto end = std::max(first, std::min(all, first + 1 + static_cast<std::int64_t>(below(3))));
  std::vector<task_spec> specs;
  for (auto i = first; i < end; ++i)
    specs.push_back(random_spec());
  // As after a crash, a portion may come that exists already, or a part of it.
  if (first > 0 && chance(30))
    require(!storage::fan_out(tx, stage.stage, first - 1, specs, end >= all, now),
            "a portion was taken twice");
  fan_out_portion(tx, stage.stage, first, specs, end >= all);
}

void task_walk::fan_out_portion(transaction& tx, const storage::stage_incarnation& stage,
                                std::int64_t first, const std::vector<task_spec>& specs,
                                bool last) {
  auto id = stage.stage.value;
  require(storage::fan_out(tx, stage, first, specs, last, now),
          name_of("a portion was refused by stage", id));
  auto ids = tx.query_as<std::int64_t>(
    "SELECT id FROM quire_task WHERE stage_id = ?1 AND item >= ?2 ORDER BY item", id, first);
  require(ids.size() == specs.size(), name_of("more or fewer tasks were created in stage", id));
  for (std::size_t i = 0; i < ids.size(); ++i)
    model_.enqueue(ids[i], specs[i], now, id);
  if (last)
    model_.seal(id, now);
}

// In the very place where the list goes on, but for a stage that does not wait for it.
void task_walk::let_stale_fan_out_speak(transaction& tx) {
  if (fan_outs_.empty())
    return;
  auto stage = choose_.one_of(fan_outs_);
  auto id = stage.stage.value;
  if (model_.accepts(id, stage.generation))
    return;
  auto found = model_.stages.find(id);
  auto first = found == model_.stages.end() ? 0 : found->second.tasks.size();
  std::vector<task_spec> specs(below(3), work());
  require(!storage::fan_out(tx, stage, static_cast<std::int64_t>(first), specs, chance(50), now)
            && !storage::fail_stage(tx, stage, "no list", now),
          name_of("an old list was taken by stage", id));
  ++stale_refused;
}

void task_walk::cancel_a_run(transaction& tx) {
  auto id = pick(choose_, model_.runs, [](auto& x) { return !is_terminal(x.state); });
  if (!id)
    return;
  auto state = storage::cancel_run(tx, run_id{*id}, "not needed", now);
  model_.cancel_run(*id, now);
  require(state == model_.runs.at(*id).state, name_of("cancelled otherwise was run", *id));
}

} // namespace quire::tests
