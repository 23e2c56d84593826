#pragma once

#include "quire/tests/support/seeded.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace quire::tests {

using disk_bytes = std::vector<unsigned char>;

/// What programs ask of a disk that may fail. What follows `remove` changes nothing:
/// it fails without power, or where a `chosen_fault` says so. `index` is to map a
/// page of the index of a log, or to take one of its locks.
enum class disk_operation : std::uint8_t {
  create,
  write,
  truncate,
  sync,
  remove,
  open,
  read,
  index
};
inline constexpr std::size_t disk_operation_kinds = 8;

/// `cut_short`: of a write, half was done before the space ran out.
enum class disk_verdict : std::uint8_t { done, failed, full, cut_short };

/// Lets the operation number `first` of one kind fail, counted since it was planned.
struct chosen_fault {
  disk_operation on = disk_operation::write;
  std::int64_t first = 1;
  bool lasting = false; ///< All later ones of that kind fail, too.
  disk_verdict how = disk_verdict::failed;
};

/// What goes wrong. Operations that change something are counted from the last time
/// power came.
struct disk_faults {
  std::optional<std::int64_t> power_off_at; ///< This operation and all after it fail.
  std::optional<std::int64_t> errors_from;  ///< From this operation on ...
  std::int64_t errors = 1;                  ///< ... so many fail ...
  bool disk_full = false;                   ///< ... for want of space, where they need some.
  /// As Linux does: what could not be synchronized once is not tried again,
  /// although programs still see it.
  bool failed_sync_forgets = false;
  std::optional<chosen_fault> chosen; ///< Beside all others.
};

/// Lies no disk should tell: a simulation on such a disk must find violations.
struct disk_lies {
  bool sync_does_nothing = false;    ///< `sync` reports success only.
  bool log_writes_are_lost = false;  ///< Some writes into the write-ahead log do not happen.
  bool names_are_not_synced = false; ///< A file may be gone although it was synchronized.
};

/// The index of a write-ahead log, which connections share, with its eight locks.
class log_index {
public:
  /// What one connection holds of the locks, as sets of bits.
  struct holder {
    unsigned shared = 0;
    unsigned exclusive = 0;
  };

  /// Returns the page, made if `extend` says so; null if there is none.
  volatile void* page(std::size_t number, std::size_t size, bool extend);

  /// Takes `count` locks from `first` on; all or none.
  bool lock(holder& who, int first, int count, bool exclusive);
  void unlock(holder& who, int first, int count);

  void attach() { ++connections_; }
  /// Its content goes with the last connection.
  void detach(holder& who);

private:
  static constexpr int locks = 8;
  std::vector<std::unique_ptr<disk_bytes>> pages_;
  int shared_[locks] = {};
  bool exclusive_[locks] = {};
  int connections_ = 0;
};

/// The locks on a whole file, as SQLite's rollback mode and the last one to
/// close a log use them. Levels are SQLite's: 0 none, 1 shared, 2 reserved,
/// 3 pending, 4 exclusive.
class file_lock {
public:
  /// Raises `level`, the caller's own; false if others do not allow it.
  bool raise(int& level, int to);
  void lower(int& level, int to);
  bool reserved() const noexcept { return writing_; }

private:
  int shared_ = 0;
  bool writing_ = false; // Somebody is reserved, pending or exclusive.
  bool closed_ = false;  // Somebody is pending or exclusive.
};

/// A file: what programs see, and what would be left without power.
class memory_file {
public:
  std::size_t size() const noexcept { return seen_.size(); }
  /// Fills `to`, with zeros past the end. Returns whether nothing was missing.
  bool read(std::size_t offset, std::span<unsigned char> to) const;
  void write(std::size_t offset, std::span<const unsigned char> data);
  void truncate(std::size_t size);
  void sync(bool name_too);
  /// Nothing that is not on the disk by now will ever get there.
  void forget_unsynced() { unsynced_.clear(); }

  /// Keeps what was synchronized, and of the rest what chance wants. Returns
  /// whether the file exists at all.
  bool lose_power(seeded_choice& chance, int mode);

  log_index index;
  file_lock lock;

private:
  struct change {
    std::size_t offset; // The new size if it is a truncation.
    disk_bytes data;
    bool truncation;
  };

  static void apply(disk_bytes& content, const change& one);
  static void apply_torn(disk_bytes& content, const change& one, seeded_choice& chance);

  disk_bytes seen_;
  disk_bytes durable_;
  std::vector<change> unsynced_;
  bool known_ = false; // Its name is on the disk for good.
};

/// A disk in memory that loses power, runs full and fails, as chance wants.
/// Creating a synchronized file and removing one are durable at once.
class memory_disk {
public:
  memory_disk(std::uint64_t seed, disk_lies lies) : chance_(seed), lies_(lies) {}

  std::shared_ptr<memory_file> find(const std::string& name) const;
  /// Returns null if the disk refuses.
  std::shared_ptr<memory_file> create(const std::string& name);
  disk_verdict remove(const std::string& name);
  disk_verdict write(memory_file& file, std::size_t offset, std::span<const unsigned char> data,
                     bool is_log);
  disk_verdict truncate(memory_file& file, std::size_t size);
  disk_verdict sync(memory_file& file);
  /// Asks for leave to do what changes nothing.
  disk_verdict look(disk_operation operation);

  void plan(disk_faults faults);
  bool powered() const noexcept { return powered_; }
  /// Everything fails from now on.
  void cut_off() { powered_ = false; }
  /// The process died, the machine went on: all that was written is there.
  void revive() { powered_ = true; }
  /// The machine died, too. All files must be closed.
  void lose_power();

  std::int64_t operations() const noexcept { return operations_; }
  std::int64_t errors_injected() const noexcept { return errors_injected_; }
  /// Bytes for SQLite's own random numbers.
  unsigned char random_byte() { return static_cast<unsigned char>(chance_.below(256)); }

private:
  disk_verdict admit(disk_operation operation);
  std::optional<disk_verdict> chosen(disk_operation operation);

  seeded_choice chance_;
  disk_lies lies_;
  std::map<std::string, std::shared_ptr<memory_file>> files_;
  disk_faults faults_;
  std::int64_t operations_ = 0;
  std::array<std::int64_t, disk_operation_kinds> operations_by_kind_{};
  std::int64_t errors_injected_ = 0;
  bool powered_ = true;
};

} // namespace quire::tests
