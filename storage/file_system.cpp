#include "quire/storage/file_system.hpp"

#include "quire/storage/error.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <system_error>

#include <sys/statfs.h>

namespace quire::storage {

namespace {

struct known_system {
  std::uint32_t type;
  std::string_view name;
};

// The numbers are those of statfs(2), linux/magic.h and, for what is not part of Linux,
// of the file systems' own sources. All of them leave to somebody else, or do only in
// part, what SQLite needs: locks between processes, and memory that they share.
constexpr auto network_systems = std::to_array<known_system>({
  {0x00006969, "NFS"},
  {0x0000517B, "SMB"},
  {0xFF534D42, "CIFS"},
  {0xFE534D42, "SMB2"},
  {0x01021997, "9p"},
  {0x65735546, "FUSE"}, // sshfs, gluster and the like; virtiofs, too.
  {0x00C36400, "Ceph"},
  {0x5346414F, "AFS"},
  {0x6B414653, "AFS"}, // The client that is part of Linux.
  {0x73757245, "Coda"},
  {0x0000564C, "NCP"},
  {0x01161970, "GFS2"},
  {0x7461636F, "OCFS2"},
  {0x0BD00BD0, "Lustre"},
  {0x47504653, "GPFS"},
  {0x19830326, "BeeGFS"},
  {0xAAD7AAEA, "PanFS"},
  {0x786F4256, "vboxsf"},
});

/// Where SQLite will create the log and the index: beside the file itself, wherever
/// links lead to.
std::string folder_of(std::filesystem::path path) {
  constexpr int links_max = 40; // As many as the kernel follows.
  std::error_code failed;
  for (int links = 0; links < links_max && std::filesystem::is_symlink(path, failed); ++links) {
    auto target = std::filesystem::read_symlink(path, failed);
    if (failed)
      break;
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  auto folder = path.parent_path().string();
  return folder.empty() ? "." : folder;
}

} // namespace

std::optional<std::string_view> network_file_system(long f_type) noexcept {
  // Some machines have it signed and of 32 bits.
  auto type = static_cast<std::uint32_t>(f_type);
  for (auto& known : network_systems)
    if (known.type == type)
      return known.name;
  return std::nullopt;
}

std::optional<long> file_system_type(const std::string& folder) {
  struct statfs found {};
  int result = 0;
  do {
    result = ::statfs(folder.c_str(), &found);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? std::optional{static_cast<long>(found.f_type)} : std::nullopt;
}

void refuse_network_file_system(
  const std::string& database,
  const std::function<std::optional<long>(const std::string&)>& type_of) {
  auto folder = folder_of(database);
  auto type = type_of(folder);
  auto name = type ? network_file_system(*type) : std::nullopt;
  if (name)
    throw error(
      errc::cannot_open,
      "cannot open the database '" + database + "': its folder '" + folder
        + "' is on a file system of the kind " + std::string{*name}
        + ", where locks are not reliable: two processes could write at once and damage the file. "
          "Nothing was changed; put the database on a local disk, or force it with "
          "allow_network_file_system (--allow-network-fs) if nobody but this process will open "
          "it.");
}

} // namespace quire::storage
