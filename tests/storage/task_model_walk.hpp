#pragma once

#include "quire/storage/sqlite/breaker_store.hpp"
#include "quire/tests/storage/run_fixture.hpp"
#include "quire/tests/storage/task_model.hpp"
#include "quire/tests/storage/task_model_mutants.hpp"
#include "quire/tests/support/seeded.hpp"

#include <optional>
#include <stdexcept>

namespace quire::tests {

/// The stores are not as the model says, or an invariant does not hold.
class model_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A random walk of services around the real stores, and the model beside them. Operations
/// share transactions, some of which are rolled back.
class task_walk : public run_fixture {
public:
  /// @param planted a mistake of the stores, for as long as the walk lasts.
  explicit task_walk(std::uint64_t seed, const task_mutant* planted = nullptr);

  /// @throws model_error
  void run_operations(std::int64_t count);

  /// Lets everything end.
  /// @throws model_error
  void drain();

  std::int64_t open_work();

  int zombies_after_each = 0; ///< So many stale writes follow each operation.

  std::int64_t zombies_refused = 0;   ///< Ends of claims that were over.
  std::int64_t overtaken_refused = 0; ///< Of them: while the task ran under another claim.
  std::int64_t duplicates = 0;        ///< Tasks that were not created, for their unique keys.
  std::int64_t held_back = 0;         ///< Claims that left ready tasks of paused or full queues.
  std::int64_t stale_refused = 0;     ///< Portions of stages that were not waiting for them.
  std::int64_t rolled_back = 0;
  std::int64_t claims_lost = 0; ///< By a crash, a reboot, or for being stuck.
  std::int64_t runs_ended = 0;
  std::int64_t families = 0; ///< Tasks with subtasks.
  std::int64_t opened = 0;   ///< Times the breaker opened.
  std::int64_t expired = 0;  ///< Tasks whose time was up.
  std::int64_t unheard = 0;  ///< Words of claims that were over.
  std::int64_t together = 0; ///< Tasks of requests about many.
  std::set<std::pair<std::string, int>> seen; ///< States that were reached.

private:
  static void require(bool holds, const std::string& what) {
    if (!holds)
      throw model_error(what);
  }

  static std::string name_of(const char* noun, std::int64_t id) {
    return std::string{noun} + " " + std::to_string(id);
  }

  using transaction = storage::transaction;

  /// What somebody believes to hold.
  struct claim_of {
    task_id task;
    std::int64_t epoch = 0;
  };

  std::size_t below(std::size_t bound) { return choose_.below(bound); }
  bool chance(int percent) { return choose_.happens(percent); }
  bool is_held(const claim_of& claim) const;

  void transact(std::size_t operations, bool keep);
  void operate(transaction& tx);
  void operate_rarely(transaction& tx, std::size_t what);

  /// Does `f`, with the planted mistake at work if it is one of that moment.
  template <class F>
  void during(transaction& tx, task_mutant::moment moment, F f) {
    bool active = planted_ && planted_->when == moment;
    if (active)
      tx.execute("UPDATE planted SET active = 1");
    f();
    if (active)
      tx.execute("UPDATE planted SET active = 0");
  }

  task_spec random_spec();
  task_outcome random_outcome(bool mostly_good);
  void enqueue_one(transaction& tx);
  void enqueue_many(transaction& tx);
  void note_put(const enqueued_task& put, const task_spec& spec);
  void draw_key(task_spec& spec);
  void draw_subtasks(task_spec& spec, int levels);
  void reject_duplicate(transaction& tx, const task_spec& spec);
  void decide_on_queue(transaction& tx);
  void decide_on_tenant(transaction& tx);
  void decide_on_kind(transaction& tx);
  void free_kinds(transaction& tx);
  void tell_breaker(storage::breaker_results& results, task_id task,
                    const storage::finished_attempt& end, const task_outcome& outcome);
  void resume_all(transaction& tx);
  void check_claim(transaction& tx, const std::vector<task_assignment>& claimed);
  void claim_some(transaction& tx, std::size_t count);
  /// The epoch under which a claim that is over speaks.
  std::int64_t forged(transaction& tx, const claim_of& claim, task_mutant::speaker who);
  void finish(transaction& tx, const claim_of& claim, const task_outcome& outcome);
  void crash(transaction& tx, const claim_of& claim);
  void finish_held(transaction& tx, bool mostly_good);
  void finish_many(transaction& tx);
  void let_zombie_speak(transaction& tx);
  void promote(transaction& tx, int limit);
  void say_something(transaction& tx);
  void restart(transaction& tx);
  void cancel_one(transaction& tx);
  void retry_one(transaction& tx);
  void give_up_stuck(transaction& tx);
  void clean_up(transaction& tx);
  void change_capacity(transaction& tx);
  void start_run(transaction& tx);
  void continue_fan_out(transaction& tx, int failing_percent);
  void fan_out_portion(transaction& tx, const storage::stage_incarnation& stage, std::int64_t first,
                       const std::vector<task_spec>& specs, bool last);
  void let_stale_fan_out_speak(transaction& tx);
  void cancel_a_run(transaction& tx);

  void check();
  void check_invariants();
  void check_tasks();
  void check_pipelines();
  void check_gates();
  void check_claims();
  void check_words();
  void check_queues();
  void check_tenants();
  void check_keys();
  void check_kinds();
  void check_events(const std::vector<event>& announced);

  seeded_choice choose_;
  const task_mutant* planted_;
  task_model model_;
  storage::tenant_shares shares_;
  std::vector<claim_of> claims_; ///< The last ones, whether over or not.
  std::vector<storage::stage_incarnation> fan_outs_;
};

} // namespace quire::tests
