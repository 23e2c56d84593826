#include "quire/tests/support/memory_disk.hpp"

#include <algorithm>
#include <cstring>

namespace quire::tests {

namespace {

constexpr std::size_t sector = 512;

void put(disk_bytes& content, std::size_t offset, std::span<const unsigned char> data) {
  if (content.size() < offset + data.size())
    content.resize(offset + data.size());
  if (!data.empty())
    std::memcpy(content.data() + offset, data.data(),
                data.size()); // A tenth of all time otherwise.
}

} // namespace

// -- log_index -----------------------------------------------------------------

volatile void* log_index::page(std::size_t number, std::size_t size, bool extend) {
  if (pages_.size() <= number && !extend)
    return nullptr;
  while (pages_.size() <= number)
    pages_.push_back(std::make_unique<disk_bytes>(size));
  return pages_[number]->data();
}

bool log_index::lock(holder& who, int first, int count, bool exclusive) {
  for (int i = first; i < first + count; ++i) {
    auto others = shared_[i] - static_cast<int>((who.shared >> i) & 1u);
    if ((exclusive_[i] && !((who.exclusive >> i) & 1u)) || (exclusive && others > 0))
      return false;
  }
  for (int i = first; i < first + count; ++i) {
    if (exclusive) {
      exclusive_[i] = true;
      who.exclusive |= 1u << i;
    } else if (!((who.shared >> i) & 1u)) {
      ++shared_[i];
      who.shared |= 1u << i;
    }
  }
  return true;
}

void log_index::unlock(holder& who, int first, int count) {
  for (int i = first; i < first + count; ++i) {
    if ((who.exclusive >> i) & 1u)
      exclusive_[i] = false;
    if ((who.shared >> i) & 1u)
      --shared_[i];
    who.exclusive &= ~(1u << i);
    who.shared &= ~(1u << i);
  }
}

void log_index::detach(holder& who) {
  unlock(who, 0, locks);
  if (--connections_ == 0)
    pages_.clear();
}

// -- file_lock -----------------------------------------------------------------

bool file_lock::raise(int& level, int to) {
  if (level >= to)
    return true;
  if (level == 0) {
    if (closed_)
      return false;
    ++shared_;
    level = 1;
  }
  if (to >= 2 && level < 2) {
    if (writing_)
      return false;
    writing_ = true;
    level = 2;
  }
  if (to >= 3) {
    closed_ = true;
    level = 3;
    if (to == 4 && shared_ > 1)
      return false;
    level = to;
  }
  return true;
}

void file_lock::lower(int& level, int to) {
  if (level >= 2 && to < 2) {
    writing_ = false;
    closed_ = false;
  }
  if (level >= 1 && to < 1)
    --shared_;
  level = std::min(level, to);
}

// -- memory_file ---------------------------------------------------------------

bool memory_file::read(std::size_t offset, std::span<unsigned char> to) const {
  auto there = offset < seen_.size() ? std::min(to.size(), seen_.size() - offset) : 0;
  auto from = seen_.begin() + static_cast<std::ptrdiff_t>(std::min(offset, seen_.size()));
  std::copy_n(from, there, to.begin());
  std::ranges::fill(to.subspan(there), static_cast<unsigned char>(0));
  return there == to.size();
}

void memory_file::write(std::size_t offset, std::span<const unsigned char> data) {
  put(seen_, offset, data);
  unsynced_.push_back({offset, {data.begin(), data.end()}, false});
}

void memory_file::truncate(std::size_t size) {
  seen_.resize(size);
  unsynced_.push_back({size, {}, true});
}

void memory_file::sync(bool name_too) {
  for (auto& one : unsynced_)
    apply(durable_, one);
  unsynced_.clear();
  known_ = known_ || name_too;
}

void memory_file::apply(disk_bytes& content, const change& one) {
  if (one.truncation)
    content.resize(one.offset);
  else
    put(content, one.offset, one.data);
}

void memory_file::apply_torn(disk_bytes& content, const change& one, seeded_choice& chance) {
  std::span<const unsigned char> data{one.data};
  for (std::size_t at = 0; at < data.size(); at += sector)
    if (chance.happens(50))
      put(content, one.offset + at, data.subspan(at, std::min(sector, data.size() - at)));
}

bool memory_file::lose_power(seeded_choice& chance, int mode) {
  constexpr int drop_all = 0;
  constexpr int keep_all = 1;
  constexpr int keep_some_torn = 3;
  known_ = known_ || (mode == keep_all && !durable_.empty());
  for (auto& one : unsynced_) {
    if (mode == drop_all || (mode != keep_all && chance.happens(50)))
      continue;
    known_ = true;
    if (mode == keep_some_torn && !one.truncation && chance.happens(50))
      apply_torn(durable_, one, chance);
    else
      apply(durable_, one);
  }
  unsynced_.clear();
  seen_ = durable_;
  return known_;
}

// -- memory_disk ---------------------------------------------------------------

disk_verdict memory_disk::admit(disk_operation operation) {
  if (!powered_)
    return disk_verdict::failed;
  if (auto verdict = chosen(operation))
    return *verdict;
  ++operations_;
  if (faults_.power_off_at && operations_ >= *faults_.power_off_at) {
    powered_ = false;
    return disk_verdict::failed;
  }
  if (!faults_.errors_from || operations_ < *faults_.errors_from
      || operations_ >= *faults_.errors_from + faults_.errors)
    return disk_verdict::done;
  auto needs_space = operation == disk_operation::write || operation == disk_operation::create;
  if (faults_.disk_full && !needs_space)
    return disk_verdict::done;
  ++errors_injected_;
  return faults_.disk_full ? disk_verdict::full : disk_verdict::failed;
}

std::optional<disk_verdict> memory_disk::chosen(disk_operation operation) {
  if (!faults_.chosen || faults_.chosen->on != operation)
    return std::nullopt;
  auto number = ++operations_by_kind_[static_cast<std::size_t>(operation)];
  if (number < faults_.chosen->first
      || (number > faults_.chosen->first && !faults_.chosen->lasting))
    return std::nullopt;
  ++errors_injected_;
  return faults_.chosen->how;
}

disk_verdict memory_disk::look(disk_operation operation) {
  if (!powered_)
    return disk_verdict::failed;
  return chosen(operation).value_or(disk_verdict::done);
}

std::shared_ptr<memory_file> memory_disk::find(const std::string& name) const {
  auto found = files_.find(name);
  return found == files_.end() || !powered_ ? nullptr : found->second;
}

std::shared_ptr<memory_file> memory_disk::create(const std::string& name) {
  if (admit(disk_operation::create) != disk_verdict::done)
    return nullptr;
  return files_[name] = std::make_shared<memory_file>();
}

disk_verdict memory_disk::remove(const std::string& name) {
  auto verdict = admit(disk_operation::remove);
  if (verdict == disk_verdict::done)
    files_.erase(name);
  return verdict;
}

disk_verdict memory_disk::write(memory_file& file, std::size_t offset,
                                std::span<const unsigned char> data, bool is_log) {
  auto verdict = admit(disk_operation::write);
  if (verdict == disk_verdict::cut_short)
    file.write(offset, data.first(data.size() / 2));
  if (verdict != disk_verdict::done)
    return verdict;
  if (!(lies_.log_writes_are_lost && is_log && chance_.happens(2)))
    file.write(offset, data);
  return verdict;
}

disk_verdict memory_disk::truncate(memory_file& file, std::size_t size) {
  auto verdict = admit(disk_operation::truncate);
  if (verdict == disk_verdict::done)
    file.truncate(size);
  return verdict;
}

disk_verdict memory_disk::sync(memory_file& file) {
  auto verdict = admit(disk_operation::sync);
  if (verdict == disk_verdict::done && !lies_.sync_does_nothing)
    file.sync(!lies_.names_are_not_synced);
  if (verdict == disk_verdict::failed && powered_ && faults_.failed_sync_forgets)
    file.forget_unsynced();
  return verdict;
}

void memory_disk::plan(disk_faults faults) {
  faults_ = faults;
  operations_ = 0;
  operations_by_kind_ = {};
  errors_injected_ = 0;
}

void memory_disk::lose_power() {
  auto mode = static_cast<int>(chance_.below(4));
  std::erase_if(files_, [&](auto& entry) { return !entry.second->lose_power(chance_, mode); });
  powered_ = true;
}

} // namespace quire::tests
