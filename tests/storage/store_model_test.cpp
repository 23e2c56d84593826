#include "quire/storage/sqlite/upkeep.hpp"
#include "quire/tests/storage/run_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>

using namespace quire;

namespace {

/// What must hold between any two transactions, as a query for what violates it.
struct invariant {
  const char* name;
  const char* violations;
};

const std::vector<invariant> invariants{
  {"a gate counts the ready and running tasks it holds",
   "SELECT g.gate FROM quire_gate g WHERE used <> (SELECT count(*) FROM quire_task t "
   "WHERE t.gate = g.gate AND t.state IN (1, 3)) OR used > capacity"},
  {"no task waits while its gate has a place",
   "SELECT t.id FROM quire_task t LEFT JOIN quire_gate g ON g.gate = t.gate "
   "WHERE t.state = 2 AND (g.gate IS NULL OR g.used < g.capacity)"},
  {"a task in a gate has that gate",
   "SELECT id FROM quire_task WHERE gate IS NOT NULL AND state IN (1, 3) "
   "AND gate NOT IN (SELECT gate FROM quire_gate)"},
  {"what has ended has a time of its end, and only that",
   "SELECT id FROM quire_task WHERE (state >= 10) <> (finished_at IS NOT NULL) UNION ALL "
   "SELECT id FROM quire_stage WHERE (state >= 10) <> (finished_at IS NOT NULL) UNION ALL "
   "SELECT id FROM quire_run WHERE (state >= 10) <> (finished_at IS NOT NULL)"},
  {"only running tasks belong to a boot",
   "SELECT id FROM quire_task WHERE (state = 3) <> (boot IS NOT NULL) OR state = 0"},
  {"attempts stay within their limit",
   "SELECT id FROM quire_task WHERE attempt < 0 OR attempt > attempts_max "
   "OR (crashes_max > 0 AND crashes >= crashes_max AND state < 10)"},
  {"a stage counts its tasks",
   "SELECT s.id FROM quire_stage s LEFT JOIN (SELECT stage_id, count(*) n, sum(state = 10) c, "
   "sum(state = 11) p, sum(state = 12) f, sum(state = 13) x FROM quire_task "
   "WHERE stage_id IS NOT NULL GROUP BY stage_id) t ON t.stage_id = s.id "
   "WHERE s.total <> ifnull(t.n, 0) OR s.completed <> ifnull(t.c, 0) "
   "OR s.partial <> ifnull(t.p, 0) OR s.failed <> ifnull(t.f, 0) "
   "OR s.cancelled <> ifnull(t.x, 0) OR s.skipped <> 0"},
  {"a stage has ended if and only if it has all its tasks and they have ended",
   "SELECT id FROM (SELECT *, completed + partial + failed + cancelled AS done FROM quire_stage) "
   "WHERE CASE WHEN state = 0 THEN sealed OR total > 0 OR deps_left < 1 "
   "WHEN state = 1 THEN sealed WHEN state = 3 THEN NOT sealed OR done >= total "
   "ELSE NOT sealed OR done <> total END"},
  {"a waiting stage knows what it waits for",
   "SELECT s.id FROM quire_stage s WHERE s.state = 0 AND (s.deps_left <> (SELECT count(*) "
   "FROM quire_edge e JOIN quire_stage b ON b.id = e.source WHERE e.target = s.id AND b.state < 10) "
   "OR s.doomed <> (SELECT count(*) > 0 FROM quire_edge e JOIN quire_stage b ON b.id = e.source "
   "WHERE e.target = s.id AND b.state >= 10 AND NOT CASE e.condition WHEN 0 THEN b.state = 10 "
   "WHEN 1 THEN b.state IN (10, 11) WHEN 2 THEN b.state = 12 ELSE 1 END))"},
  {"a run has ended if and only if all its stages have",
   "SELECT r.id FROM quire_run r WHERE (r.state >= 10) <> NOT EXISTS(SELECT 1 FROM quire_stage s "
   "WHERE s.run_id = r.id AND s.state < 10)"},
  {"nothing starts in a run that was cancelled",
   "SELECT s.id FROM quire_stage s JOIN quire_run r ON r.id = s.run_id "
   "WHERE r.cancel_req = 1 AND s.state IN (0, 1)"},
  {"no task has lost its stage",
   "SELECT id FROM quire_task WHERE stage_id IS NOT NULL "
   "AND stage_id NOT IN (SELECT id FROM quire_stage)"},
  {"nothing hangs on a task that is gone",
   "SELECT id FROM quire_task_body WHERE id NOT IN (SELECT id FROM quire_task) UNION ALL "
   "SELECT id FROM quire_task WHERE id NOT IN (SELECT id FROM quire_task_body) UNION ALL "
   "SELECT id FROM quire_task_result WHERE id NOT IN (SELECT id FROM quire_task) UNION ALL "
   "SELECT task_id FROM quire_task_attempt WHERE task_id NOT IN (SELECT id FROM quire_task)"},
  {"a result is that of a claim that ended",
   "SELECT r.id FROM quire_task_result r JOIN quire_task t ON t.id = r.id "
   "WHERE r.epoch > t.epoch OR (r.output IS NOT NULL AND t.state NOT IN (10, 11))"},
};

/// Random services around the real stores: what they hold, and what they
/// believe to hold.
class model : public tests::run_fixture {
public:
  explicit model(std::uint32_t seed) : random_(seed) {}

  void run_operations(int count) {
    for (int i = 0; i < count; ++i) {
      now += static_cast<std::int64_t>(below(3));
      operate();
      if (i % 200 == 0)
        check();
    }
    check();
  }

  /// Lets everything end.
  void drain() {
    for (int turn = 0; turn < 2000 && open_work() > 0; ++turn) {
      now += 100;
      write([&](auto& tx) { storage::promote_due_tasks(tx, now); });
      note_events();
      for (int i = 0; i < 5; ++i)
        continue_fan_out(0);
      claim_some(50);
      while (!held_.empty())
        finish_held(true);
    }
    check();
  }

  std::int64_t open_work() {
    return number("SELECT (SELECT count(*) FROM quire_task WHERE state < 10) + "
                  "(SELECT count(*) FROM quire_stage WHERE state < 10) + "
                  "(SELECT count(*) FROM quire_run WHERE state < 10)");
  }

  int zombies_refused = 0;
  int stale_refused = 0;
  int runs_ended = 0;
  std::set<std::pair<std::string, int>> seen; ///< States that were reached.

private:
  std::size_t below(std::size_t bound) {
    return random_() % bound;
  }

  bool chance(std::size_t percent) {
    return below(100) < percent;
  }

  task_spec random_spec() {
    auto spec = work(chance(50) ? "work" : "other");
    spec.priority = static_cast<task_priority>(below(4));
    spec.queue = chance(80) ? "default" : "q";
    spec.retry.attempts_max = 1 + static_cast<int>(below(3));
    spec.retry.base = std::chrono::milliseconds{below(10)};
    spec.timeout = std::chrono::milliseconds{0}; // Or it could never be stuck.
    spec.crashes_max = static_cast<int>(below(4));
    if (chance(60)) {
      spec.gate = "g" + std::to_string(below(8));
      spec.gate_capacity = 1 + static_cast<int>(below(3));
    }
    if (chance(20))
      spec.run_at_ms = now + 1 + static_cast<std::int64_t>(below(50));
    return spec;
  }

  void start_run() {
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
    start(pipeline(std::move(stages)));
    note_events();
  }

  void continue_fan_out(std::size_t failing_percent) {
    auto found = fanning();
    if (found.empty())
      return;
    auto& stage = found[below(found.size())];
    if (chance(failing_percent)) {
      BOOST_REQUIRE(fail_stage(stage.stage, "no list"));
    } else {
      auto all = stage.stage.stage.value % 7;
      auto first = stage.created;
      auto end = std::max(first, std::min(all, first + 1 + static_cast<std::int64_t>(below(3))));
      std::vector<task_spec> specs;
      for (auto i = first; i < end; ++i)
        specs.push_back(random_spec());
      // As after a crash, a portion may come that exists already, or a part of it.
      if (first > 0 && chance(30))
        BOOST_REQUIRE(!fan_out(stage.stage, first - 1, specs.size(), end >= all));
      BOOST_REQUIRE(write([&](auto& tx) {
        return storage::fan_out(tx, stage.stage, first, specs, end >= all, now);
      }));
    }
    note_events();
    fan_outs_.push_back({stage.stage}); // It may speak again.
    if (fan_outs_.size() > 50)
      fan_outs_.erase(fan_outs_.begin());
  }

  /// What has ended or been interrupted has lost its stage for good, even if the
  /// stage fans out again.
  void find_stale_fan_outs() {
    for (auto& x : fan_outs_)
      x.stale = x.stale
                || number("SELECT count(*) FROM quire_stage WHERE state = 1 AND id = "
                          + std::to_string(x.stage.stage.value)) == 0;
  }

  void let_stale_fan_out_speak() {
    find_stale_fan_outs();
    if (fan_outs_.empty())
      return;
    auto& x = fan_outs_[below(fan_outs_.size())];
    if (!x.stale)
      return;
    // In the very place where the list goes on.
    auto first = number("SELECT ifnull(max(total), 0) FROM quire_stage WHERE id = "
                        + std::to_string(x.stage.stage.value));
    BOOST_REQUIRE(!fan_out(x.stage, first, below(3), chance(50)));
    BOOST_REQUIRE(!fail_stage(x.stage, "no list"));
    BOOST_REQUIRE(events.empty());
    ++stale_refused;
  }

  void claim_some(std::size_t count) {
    for (auto& task : claim(count, {"work", "other"})) {
      BOOST_REQUIRE(!held_.contains(task.id.value)); // Nobody else has it,
      BOOST_REQUIRE(task.epoch > epochs_[task.id.value]); // and its number is new.
      epochs_[task.id.value] = task.epoch;
      held_.emplace(task.id.value, task);
    }
  }

  task_outcome random_outcome(bool mostly_good) {
    auto x = mostly_good ? below(75) : below(110);
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
    task_outcome cancelled;
    cancelled.what = task_outcome::verdict::cancelled;
    return cancelled;
  }

  task_assignment take_held() {
    auto found = std::next(held_.begin(), static_cast<std::ptrdiff_t>(below(held_.size())));
    auto task = found->second;
    held_.erase(found);
    return task;
  }

  void finish_held(bool mostly_good = false) {
    if (held_.empty())
      return;
    auto task = take_held();
    auto end = chance(95) || mostly_good
                 ? finish(task, random_outcome(mostly_good), now + 5)
                 : write([&](auto& tx) {
                     return storage::crash_attempt(tx, task.id, task.epoch, "died", now);
                   });
    BOOST_REQUIRE(end.accepted);
    note_events();
    zombies_.push_back(task); // It may speak again.
  }

  void let_zombie_speak() {
    if (zombies_.empty())
      return;
    auto zombie = zombies_[below(zombies_.size())];
    auto end = finish(zombie, random_outcome(false), now + 5);
    BOOST_REQUIRE(!end.accepted);
    BOOST_REQUIRE(events.empty());
    ++zombies_refused;
    if (zombies_.size() > 100)
      zombies_.erase(zombies_.begin(), zombies_.begin() + 50);
  }

  void lose(std::int64_t id) {
    if (auto found = held_.find(id); found != held_.end()) {
      zombies_.push_back(found->second);
      held_.erase(found);
    }
  }

  void restart() {
    for (auto& [id, task] : held_)
      zombies_.push_back(task);
    held_.clear();
    reboot();
    note_events();
  }

  /// A row that `condition` holds for, if there is one: the next after a random id.
  std::int64_t pick(const std::string& table, const std::string& condition) {
    auto max = number("SELECT ifnull(max(id), 0) FROM " + table) + 1;
    auto from = std::to_string(below(static_cast<std::size_t>(max)));
    return number("SELECT ifnull(min(id), 0) FROM " + table + " WHERE id >= " + from + " AND "
                  + condition);
  }

  void retry_some() {
    auto id = pick("quire_task", "state IN (11, 12, 13)");
    if (id == 0)
      return;
    auto failure = tests::failure_of([&] { retry(task_id{id}); });
    if (failure) {
      BOOST_REQUIRE((failure->code() == errc::conflict)); // Its run is being cancelled.
      return;
    }
    finished_.erase(id);
    find_stale_fan_outs();
    for (auto ref : announced(event::topic::task_cancel))
      lose(ref);
    for (auto& x : rows_of("SELECT id FROM quire_run WHERE state = 3"))
      ended_runs_.erase(x);
  }

  std::vector<std::int64_t> rows_of(const std::string& sql) {
    std::vector<std::int64_t> result;
    for (auto& row : tests::rows_of(db, sql).rows)
      result.push_back(row.at(0).integer());
    return result;
  }

  void clean_up() {
    write([&](auto& tx) { storage::prune_tasks(tx, now - 300, 50); });
    write([&](auto& tx) { storage::prune_runs(tx, now - 300, 1000); });
    BOOST_REQUIRE(write([](auto& tx) { return storage::delete_orphans(tx); }) == 0);
  }

  void give_up_stuck() {
    auto lost = write([&](auto& tx) { return storage::fail_stuck_tasks(tx, now - 100, now, now, 5); });
    note_events();
    for (auto id : lost)
      lose(id.value);
  }

  void operate() {
    auto x = below(1000);
    if (x < 200) {
      enqueue(random_spec());
    } else if (x < 225) {
      start_run();
    } else if (x < 345) {
      claim_some(1 + below(5));
    } else if (x < 660) {
      finish_held();
    } else if (x < 700) {
      let_zombie_speak();
    } else if (x < 830) {
      continue_fan_out(3);
    } else if (x < 850) {
      let_stale_fan_out_speak();
    } else if (x < 900) {
      write([&](auto& tx) { storage::promote_due_tasks(tx, now, 1 + static_cast<int>(below(20))); });
    } else if (x < 903) {
      restart();
    } else if (x < 940) {
      if (auto id = pick("quire_task", "state < 10")) {
        cancel(task_id{id});
        note_events();
      }
    } else if (x < 970) {
      retry_some();
    } else if (x < 980) {
      if (auto id = pick("quire_run", "state < 10")) {
        cancel_run(run_id{id});
        note_events();
        find_stale_fan_outs();
      }
    } else if (x < 990) {
      clean_up();
    } else {
      give_up_stuck();
    }
  }

  /// Nothing ends twice without having started again.
  void note_events() {
    for (auto& x : events) {
      if (x.what == event::topic::task_finished)
        BOOST_REQUIRE(finished_.insert(x.ref).second);
      if (x.what == event::topic::run_finished) {
        BOOST_REQUIRE(ended_runs_.insert(x.ref).second);
        ++runs_ended;
      }
    }
  }

  void check() {
    for (auto& [name, violations] : invariants) {
      auto found = rows_of_any(violations);
      BOOST_REQUIRE_MESSAGE(found.empty(), name << ": " << found);
    }
    // Exactly the tasks that somebody holds are running, with those numbers.
    std::map<std::int64_t, std::int64_t> running;
    for (auto& row : tests::rows_of(db, "SELECT id, epoch FROM quire_task WHERE state = 3").rows)
      running.emplace(row.at(0).integer(), row.at(1).integer());
    BOOST_REQUIRE(running.size() == held_.size());
    for (auto& [id, task] : held_)
      BOOST_REQUIRE(running[id] == task.epoch);
    for (auto state : rows_of("SELECT DISTINCT state FROM quire_stage"))
      seen.emplace("stage", static_cast<int>(state));
    for (auto state : rows_of("SELECT DISTINCT state FROM quire_run"))
      seen.emplace("run", static_cast<int>(state));
    for (auto state : rows_of("SELECT DISTINCT state FROM quire_task"))
      seen.emplace("task", static_cast<int>(state));
  }

  std::string rows_of_any(const char* sql) {
    std::string text;
    for (auto& row : tests::rows_of(db, sql).rows)
      text += to_display(row.at(0)) + " ";
    return text;
  }

  struct fan_out_work {
    storage::stage_incarnation stage;
    bool stale = false;
  };

  std::mt19937 random_;
  std::vector<fan_out_work> fan_outs_;
  std::map<std::int64_t, task_assignment> held_;
  std::vector<task_assignment> zombies_;
  std::map<std::int64_t, std::int64_t> epochs_;
  std::set<std::int64_t> finished_;
  std::set<std::int64_t> ended_runs_;
};

void play(std::uint32_t seed, int operations) {
  BOOST_TEST_CONTEXT("seed " << seed) {
    model world{seed};
    world.run_operations(operations);
    world.drain();
    BOOST_TEST(world.open_work() == 0);
    BOOST_TEST(world.number("SELECT ifnull(sum(used), 0) FROM quire_gate") == 0);
    BOOST_TEST(world.zombies_refused > operations / 50);
    BOOST_TEST(world.stale_refused > operations / 200);
    BOOST_TEST(world.runs_ended > operations / 200);
    // A walk that does not get everywhere proves little.
    for (auto state : {1, 2, 3, 4, 5, 10, 11, 12, 13})
      BOOST_TEST(world.seen.contains({"task", state}), "task " << state);
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(store_model)

BOOST_AUTO_TEST_CASE(invariants_hold_in_the_first_random_walk) {
  play(1, 10'000);
}

BOOST_AUTO_TEST_CASE(invariants_hold_in_the_second_random_walk) {
  play(2, 10'000);
}

BOOST_AUTO_TEST_CASE(invariants_hold_in_the_third_random_walk) {
  play(3, 10'000);
}

BOOST_AUTO_TEST_SUITE_END()
