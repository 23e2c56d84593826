#include "quire/storage/result_files.hpp"

#include "quire/storage/descriptor.hpp"
#include "quire/storage/error.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace quire::storage {

namespace {

constexpr std::string_view unfinished = ".part";

[[noreturn]] void raise(const std::string& what, const std::string& path) {
  auto code = errno;
  throw error(code == ENOSPC || code == EDQUOT ? errc::disk_full : errc::io,
              what + " " + path + ": " + std::strerror(code)
                + "; the output is not there; see to the folder and try again");
}

int open_file(const std::string& path, int flags) {
  return ::open(path.c_str(), flags | O_CLOEXEC, 0600);
}

bool write_all(int number, std::string_view text) {
  while (!text.empty()) {
    auto written = ::write(number, text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return false;
    if (written > 0)
      text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// What is renamed into a folder is there after a power cut once the folder is synchronized.
bool synchronize_folder(const std::string& path) {
  descriptor folder(open_file(path, O_RDONLY | O_DIRECTORY));
  return folder.is_open() && ::fsync(folder.get()) == 0;
}

/// Reads `12-3` or `12-3.part`.
std::optional<result_files::entry> entry_of(std::string name) {
  std::string_view text = name;
  if (text.ends_with(unfinished))
    text.remove_suffix(unfinished.size());
  auto read = [&](std::int64_t& into) {
    auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (failed != std::errc{} || into < 1)
      return false;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return true;
  };
  std::int64_t task = 0;
  std::int64_t epoch = 0;
  if (!read(task) || !text.starts_with('-'))
    return std::nullopt;
  text.remove_prefix(1);
  if (!read(epoch) || !text.empty())
    return std::nullopt;
  return result_files::entry{std::move(name), task_id{task}, epoch};
}

} // namespace

result_files::result_files(const std::string& database) {
  std::error_code failed;
  auto path = std::filesystem::weakly_canonical(database, failed);
  folder_ = (failed ? database : path.string()) + "-results";
}

std::string result_files::path_of(const std::string& name) const {
  return folder_ + "/" + name;
}

std::string result_files::put(task_id task, std::int64_t epoch, std::string_view output) const {
  // Also when another thread has just created it: that one may not be so far yet.
  bool created = ::mkdir(folder_.c_str(), 0700) == 0 || errno == EEXIST;
  if (!created || !synchronize_folder(std::filesystem::path{folder_}.parent_path().string()))
    raise("cannot create the folder", folder_);
  auto name = std::to_string(task.value) + "-" + std::to_string(epoch);
  auto path = path_of(name);
  auto part = path + std::string{unfinished};
  descriptor to(open_file(part, O_WRONLY | O_CREAT | O_TRUNC));
  bool written = to.is_open() && write_all(to.get(), output) && ::fsync(to.get()) == 0
                 && std::rename(part.c_str(), path.c_str()) == 0 && synchronize_folder(folder_);
  if (!written) {
    auto code = errno;
    ::unlink(part.c_str());
    errno = code;
    raise("cannot write", path);
  }
  return name;
}

std::optional<std::string> result_files::read(const std::string& name) const {
  // It comes from a database, which anybody may have written.
  if (!entry_of(name))
    return std::nullopt;
  descriptor from(open_file(path_of(name), O_RDONLY | O_NOFOLLOW));
  if (!from.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
      return std::nullopt;
    raise("cannot read", path_of(name));
  }
  std::string text;
  struct stat known {};
  if (::fstat(from.get(), &known) == 0 && S_ISREG(known.st_mode))
    text.reserve(static_cast<std::size_t>(known.st_size));
  char portion[65'536];
  while (true) {
    auto got = ::read(from.get(), portion, sizeof portion);
    if (got == 0)
      return text;
    if (got > 0)
      text.append(portion, static_cast<std::size_t>(got));
    else if (errno != EINTR)
      raise("cannot read", path_of(name));
  }
}

void result_files::remove(const std::string& name) const {
  if (::unlink(path_of(name).c_str()) != 0 && errno != ENOENT)
    throw error(errc::io, "cannot remove " + path_of(name) + ": " + std::strerror(errno)
                            + "; nothing needs it any more: remove it by hand");
  ::rmdir(folder_.c_str()); // Fails while there are others.
}

std::vector<result_files::entry> result_files::list() const {
  std::vector<entry> found;
  std::error_code failed;
  std::filesystem::directory_iterator at(folder_, failed);
  for (; !failed && at != std::filesystem::directory_iterator{}; at.increment(failed))
    if (auto one = entry_of(at->path().filename().string()))
      found.push_back(std::move(*one));
  return found;
}

} // namespace quire::storage
