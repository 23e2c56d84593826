#pragma once

#include "quire/storage/sqlite/batch_executor.hpp"

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace quire::tests {

/// What is tortured: something that commits batches, and moves the log between them.
class subject {
public:
  virtual ~subject() = default;

  virtual std::vector<storage::member_result> execute(
    std::span<storage::batch_member* const> members) = 0;

  virtual storage::connection& db() = 0;

  /// Moves the log. `meanwhile` commits a batch: whoever lets others commit during
  /// its checkpoint may call it.
  /// @throws storage::error
  virtual void checkpoint(bool truncate, const std::function<void()>& meanwhile) {
    static_cast<void>(meanwhile);
    db().checkpoint(truncate);
  }

  /// How often members were run again.
  virtual std::int64_t replays() const { return 0; }
};

/// Opens the writer's connection of a subject.
using connection_opener = std::function<storage::connection()>;
/// Makes what is tortured. @throws storage::error if its connection cannot be opened.
using subject_maker = std::function<std::unique_ptr<subject>(connection_opener)>;

/// The storage core as it is.
class real_subject : public subject {
public:
  explicit real_subject(connection_opener open) : batch_(std::move(open)) {}

  std::vector<storage::member_result> execute(
    std::span<storage::batch_member* const> members) override {
    return batch_.execute(members);
  }
  storage::connection& db() override { return batch_.db(); }
  std::int64_t replays() const override { return batch_.totals().replays; }

private:
  storage::batch_executor batch_;
};

/// A maker of subjects of the type `Subject`, with more arguments for it.
template <class Subject, class... Arguments>
subject_maker made_by(Arguments... arguments) {
  return [=](connection_opener open) -> std::unique_ptr<subject> {
    return std::make_unique<Subject>(std::move(open), arguments...);
  };
}

} // namespace quire::tests
