#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// Which kind of file system a database is on.
namespace quire::storage {

/// Returns the name of the network, cluster or user-space file system that the number
/// `f_type` of statfs(2) stands for, and nothing for all others: `"NFS"` for 0x6969.
std::optional<std::string_view> network_file_system(long f_type) noexcept;

/// Returns the number of the file system that `folder` is on, if it can be found out.
std::optional<long> file_system_type(const std::string& folder);

/// Refuses a database whose folder is on a network file system. Nothing is opened or
/// created, and a folder that is missing is left to whoever opens the database.
/// @param type_of finds the number of a folder's file system.
/// @throws error with `errc::cannot_open`.
void refuse_network_file_system(
  const std::string& database,
  const std::function<std::optional<long>(const std::string&)>& type_of = file_system_type);

} // namespace quire::storage
