#include "quire/actors/attempt_steps.hpp"

#include "quire/storage/error.hpp"

#include <utility>

namespace quire::actors {

namespace {

/// While this thread runs a step that writes, the writer waits for it.
class inside_transaction {
public:
  inside_transaction() : around_(std::exchange(here, true)) {}
  inside_transaction(const inside_transaction&) = delete;
  inside_transaction& operator=(const inside_transaction&) = delete;
  ~inside_transaction() { here = around_; }

  static inline thread_local bool here = false;

private:
  bool around_;
};

void check_name(const std::string& name) {
  if (name.empty() || name.size() > step_name_max)
    throw storage::error(errc::invalid_argument,
                         "the name of a step has 1 to " + std::to_string(step_name_max)
                           + " bytes, not " + std::to_string(name.size()) + ": it was not done");
  if (inside_transaction::here)
    throw storage::error(errc::invalid_argument,
                         "the step '" + name
                           + "' is inside of one that writes, and would wait for it for ever: it "
                             "was not done; do it before or after");
}

} // namespace

void step_keeper::keep(task_id task, std::int64_t epoch, const std::string& name,
                       const std::string& value) {
  transact(task, epoch, name, [value](storage::transaction&) { return value; });
}

/// Takes the name of a step, and gives it back unless the step is done.
class attempt_steps::beginning {
public:
  beginning(attempt_steps& all, const std::string& name) : all_(all), name_(name) {
    check_name(name);
    if (all.cancel_.cancelled()) {
      all.stopped_ = true;
      throw attempt_stopped();
    }
    std::lock_guard lock(all.mutex_);
    // In a loop all rounds but the first would return what the first did.
    if (!all.begun_.insert(name).second)
      throw storage::error(errc::invalid_argument,
                           "two steps of this attempt have the name '" + name
                             + "': the second was not done; put what tells them apart into "
                               "their names");
  }

  beginning(const beginning&) = delete;
  beginning& operator=(const beginning&) = delete;

  ~beginning() {
    if (done_)
      return;
    std::lock_guard lock(all_.mutex_);
    all_.begun_.erase(name_);
  }

  /// Returns what an earlier attempt has kept. What the first attempt keeps nobody kept before.
  std::optional<std::string> known() {
    auto value = all_.epoch_ > 1 ? all_.keeper_->find(all_.task_, name_) : std::nullopt;
    done_ = value.has_value();
    return value;
  }

  void done() noexcept { done_ = true; }

private:
  attempt_steps& all_;
  const std::string& name_;
  bool done_ = false;
};

attempt_steps::attempt_steps(const task_assignment& task, cancel_token cancel,
                             std::shared_ptr<step_keeper> keeper)
  : task_(task.id), epoch_(task.epoch), cancel_(std::move(cancel)), keeper_(std::move(keeper)) {}

std::string attempt_steps::once(const std::string& name, const std::function<std::string()>& step) {
  beginning one{*this, name};
  if (auto known = one.known())
    return *known;
  auto value = step();
  one.done(); // Also if it is not kept: this attempt does not do it again.
  keeper_->keep(task_, epoch_, name, value);
  return value;
}

std::string attempt_steps::once_in_transaction(const std::string& name, step_keeper::work step) {
  beginning one{*this, name};
  if (auto known = one.known())
    return *known;
  auto value =
    keeper_->transact(task_, epoch_, name, [step = std::move(step)](storage::transaction& tx) {
      inside_transaction here;
      return step(tx);
    });
  one.done();
  return value;
}

} // namespace quire::actors
