#include "quire/tests/simulation/world.hpp"

#include "quire/tests/simulation/life.hpp"
#include "quire/tests/support/memory_vfs.hpp"

#include <algorithm>
#include <cstdlib>

namespace quire::tests {

namespace {

disk_faults plan_faults(seeded_choice& choice, ending how) {
  disk_faults faults;
  if (how == ending::power_cut)
    faults.power_off_at = choice.between(1, choice.happens(30) ? 120 : 500);
  if (choice.happens(25)) {
    faults.errors_from = choice.between(1, 300);
    faults.errors = choice.between(1, 4);
    faults.disk_full = choice.happens(50);
    faults.failed_sync_forgets = std::getenv("QUIRE_SIM_FORGET") != nullptr;
  }
  return faults;
}

life_plan plan_life(seeded_choice& choice) {
  life_plan plan;
  auto roll = choice.below(100);
  plan.how = roll < 60 ? ending::power_cut : roll < 85 ? ending::crashed : ending::drained;
  plan.faults = plan_faults(choice, plan.how);
  plan.clients = static_cast<int>(choice.between(1, 4));
  plan.actions = static_cast<int>(choice.between(3, 12));
  plan.steps = static_cast<int>(choice.between(50, 500));
  plan.kills = choice.happens(30) ? static_cast<int>(choice.between(1, 3)) : 0;
  return plan;
}

/// Without faults: all that was begun must end.
life_plan plan_last_life(seeded_choice& choice) {
  life_plan plan;
  plan.how = ending::drained;
  plan.clients = 2;
  plan.actions = static_cast<int>(choice.between(2, 6));
  plan.kills = choice.happens(20) ? 1 : 0;
  plan.to_rest = true;
  return plan;
}

/// Lives on one disk, one after another.
class lives {
public:
  explicit lives(const simulation_plan& plan)
    : plan_(plan), world_(plan.seed, plan.shown), disk_(plan.seed ^ 0x6469736b, plan.lies),
      plugged_(disk_, plan.seed) {
    world_.sync = world_.choice.happens(60) ? durability::full : durability::normal;
  }

  simulation_result run() {
    for (auto left = world_.choice.between(1, 3); left > 0 && world_.violations.empty(); --left)
      live(plan_life(world_.choice));
    if (plan_.forgetful_client)
      world_.rows = ledger{"row", 2};
    if (world_.violations.empty())
      live(plan_last_life(world_.choice));
    result_.fingerprint = world_.events.fingerprint();
    result_.events = world_.events.events();
    result_.violations = world_.violations;
    result_.rows_confirmed = world_.rows.confirmed();
    result_.tasks_confirmed = world_.tasks.confirmed();
    result_.runs_confirmed = world_.runs.confirmed();
    return result_;
  }

private:
  void live(const life_plan& plan) {
    world_.events.add("life", static_cast<std::int64_t>(plan.how), plan.steps);
    {
      life one(world_, disk_, plan, clock_ms_);
      one.run(before_);
      clock_ms_ = one.ended_ms();
      before_ = one.looked() ? plan.how : std::max(before_, plan.how);
      result_.kills += one.kills();
      result_.errors_injected += disk_.errors_injected();
      // Whatever its actors still do, nothing of it reaches the disk.
      if (plan.how != ending::drained)
        disk_.cut_off();
    }
    ++result_.lives;
    if (auto open = open_files_of_memory_vfs(); open != 0)
      world_.violations.push_back(std::to_string(open) + " files are open after the end");
    if (plan.how == ending::power_cut) {
      ++result_.power_cuts;
      disk_.lose_power();
    } else {
      disk_.revive();
    }
  }

  simulation_plan plan_;
  outside_world world_;
  memory_disk disk_;
  plugged_disk plugged_;
  simulation_result result_;
  std::int64_t clock_ms_ = 0;
  ending before_ = ending::drained;
};

} // namespace

simulation_result simulate(const simulation_plan& plan) {
  return lives{plan}.run();
}

} // namespace quire::tests
