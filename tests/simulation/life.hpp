#pragma once

#include "quire/actors/service_tree.hpp"
#include "quire/app/options.hpp"
#include "quire/tests/simulation/clients.hpp"
#include "quire/tests/support/memory_disk.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <map>
#include <memory>
#include <optional>

namespace quire::tests {

inline constexpr auto simulated_database = "/simulated/quire.db";

/// What is going to happen to one life of the process.
struct life_plan {
  ending how = ending::crashed;
  disk_faults faults;
  int clients = 3;
  int actions = 6;      ///< Of each client.
  int steps = 300;      ///< After which it ends, if nothing ended it before.
  int kills = 0;        ///< Services that die on the way.
  bool to_rest = false; ///< It ends when all work is done, and not before.
};

/// One life of a process: it boots, serves clients, and ends.
class life {
public:
  /// @param started_ms how long the lives before it took, in simulated time.
  life(outside_world& world, memory_disk& disk, const life_plan& plan, std::int64_t started_ms);
  life(const life&) = delete;
  life& operator=(const life&) = delete;
  ~life();

  /// Goes through all of it, but for its end.
  /// @param before how the life before it ended, or the worst of several that
  ///        ended before they looked at what was left.
  void run(ending before);

  std::int64_t ended_ms() const;
  int kills() const noexcept { return kills_; }
  /// Whether it came so far as to look at what was left by those before it.
  bool looked() const noexcept { return looked_; }

private:
  class shifted_clock;

  bool boot(ending before);
  void start_services(std::int64_t boot);
  void serve();
  void step();
  void run_a_job();
  void maybe_kill_a_service();
  void drain();
  void end_all_actors();
  void remember(caf::resumable* job);
  bool over();
  bool at_rest();
  void violation(std::string text);

  outside_world& world_;
  memory_disk& disk_;
  life_plan plan_;
  caf::actor_system_config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  std::shared_ptr<const clock_source> clock_;
  storage::connection_options database_;
  std::optional<actors::service_tree> tree_;
  client_group clients_;
  std::map<caf::actor_id, caf::strong_actor_ptr> actors_; // All that ever had something to do.
  std::optional<storage::connection> observer_;
  int steps_ = 0;
  int kills_ = 0;
  bool looked_ = false;
  bool failed_ = false; // The supervisor gave up.
};

} // namespace quire::tests
