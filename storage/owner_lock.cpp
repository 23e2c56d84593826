#include "quire/storage/owner_lock.hpp"

#include "quire/storage/descriptor.hpp"
#include "quire/storage/error.hpp"
#include "quire/storage/process.hpp"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace quire::storage {

namespace {

/// Returns where `path` leads to, also if nothing is there yet.
std::filesystem::path followed(std::filesystem::path path) {
  constexpr int links_max = 40; // As many as the kernel follows.
  std::error_code failed;
  for (int links = 0; links < links_max && std::filesystem::is_symlink(path, failed); ++links) {
    auto target = std::filesystem::read_symlink(path, failed);
    if (failed)
      break;
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  return path;
}

/// Two names of one file must lead to one lock, as SQLite follows links, too.
std::string lock_path(const std::string& database) {
  std::error_code failed;
  auto path = std::filesystem::weakly_canonical(followed(database), failed);
  return (failed ? database : path.string()) + ".lock";
}

std::string system_text(int number) {
  return std::generic_category().message(number);
}

error not_locked(const std::string& path, int number) {
  auto code =
    number == EACCES || number == EPERM || number == EROFS ? errc::read_only : errc::cannot_open;
  return {code, "cannot lock '" + path
                  + "', which says who owns the database: " + system_text(number)
                  + ". Nothing was changed; " + std::string{advice(code)} + "."};
}

/// @returns whether the lock was taken; false if somebody else holds one.
bool try_lock(int file, int kind, const std::string& path) {
  int result = 0;
  do {
    result = ::flock(file, kind | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EWOULDBLOCK)
    throw not_locked(path, errno);
  return result == 0;
}

std::string owner_text(int file) {
  char buffer[64] = {};
  auto count = ::pread(file, buffer, sizeof buffer, 0);
  std::string_view text{buffer, count > 0 ? static_cast<std::size_t>(count) : 0};
  text = text.substr(0, text.find('\n'));
  return text.empty() ? "another process" : std::string{text};
}

/// Writes who we are. A file that cannot be written is locked all the same.
void write_owner(int file) {
  auto text = "process " + std::to_string(::getpid()) + "\n";
  if (::ftruncate(file, 0) == 0)
    static_cast<void>(!::pwrite(file, text.data(), text.size(), 0));
}

/// Opens the file, and says whether it was not there before.
descriptor open_lock(const std::string& path, bool& created) {
  created = true;
  auto number = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (number < 0 && errno == EEXIST) {
    created = false;
    number = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  }
  if (number < 0)
    throw not_locked(path, errno);
  return descriptor{number};
}

/// Returns whether `path` still leads to the file that was opened under it.
bool is_still_there(int file, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file, &opened) == 0 && ::stat(path.c_str(), &named) == 0
         && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

} // namespace

owner_lock owner_lock::acquire(const std::string& database) {
  auto path = lock_path(database);
  // `owner_of` holds a shared lock for a moment: whoever lets us share is not an
  // owner, and gone at the next try.
  constexpr int tries_max = 200;
  for (int i = 0;; ++i) {
    bool created = false;
    auto file = open_lock(path, created);
    if (try_lock(file.get(), LOCK_EX, path)) {
      if (!is_still_there(file.get(), path))
        continue; // Who had it has just removed it.
      write_owner(file.get());
      close_in_children(file.get());
      return owner_lock{file.release(), created ? path : std::string{}};
    }
    if (i >= tries_max || !try_lock(file.get(), LOCK_SH, path))
      throw error(errc::already_owned, "the database '" + database + "' is owned by "
                                         + owner_text(file.get()) + ". Nothing was changed; "
                                         + std::string{advice(errc::already_owned)} + ".");
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

owner_lock::owner_lock(owner_lock&& other) noexcept
  : descriptor_(std::exchange(other.descriptor_, -1)), created_(std::move(other.created_)),
    process_(other.process_) {}

owner_lock& owner_lock::operator=(owner_lock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(created_, other.created_);
  std::swap(process_, other.process_);
  return *this;
}

owner_lock::~owner_lock() {
  // The file stays: it says nothing, and whoever wants to own the database next
  // need not create it.
  if (descriptor_ < 0 || process_ != process_number())
    return;
  // First: a child that is forked between the two has the descriptor, too, and would keep
  // the lock for as long as it lives.
  ::flock(descriptor_, LOCK_UN);
  forget_descriptor(descriptor_);
  ::close(descriptor_);
}

void owner_lock::leave_no_trace() noexcept {
  if (descriptor_ >= 0 && !created_.empty())
    ::unlink(created_.c_str());
}

std::optional<std::string> owner_lock::owner_of(const std::string& database) {
  auto path = lock_path(database);
  descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return std::nullopt;
    throw not_locked(path, errno);
  }
  if (try_lock(file.get(), LOCK_SH, path))
    return std::nullopt;
  return owner_text(file.get());
}

} // namespace quire::storage
