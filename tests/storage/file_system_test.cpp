#include "quire/storage/file_system.hpp"

#include "quire/tests/storage/storage_support.hpp"

#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <vector>

using namespace quire;
using namespace quire::tests;
using storage::network_file_system;
using storage::refuse_network_file_system;

BOOST_AUTO_TEST_SUITE(file_system)

BOOST_AUTO_TEST_CASE(file_systems_without_reliable_locks_are_known) {
  const std::pair<long, std::string_view> cases[] = {
    {0x6969, "NFS"},       {0x517B, "SMB"},       {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB2"},
    {0x01021997, "9p"},    {0x65735546, "FUSE"},  {0x00C36400, "Ceph"}, {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},   {0x73757245, "Coda"},  {0x564C, "NCP"},      {0x01161970, "GFS2"},
    {0x7461636F, "OCFS2"}, {0x0BD00BD0, "Lustre"}};
  for (auto& [type, name] : cases)
    BOOST_TEST(network_file_system(type).value_or("none") == name);
  // Where the number is a signed one of 32 bits.
  BOOST_TEST(network_file_system(static_cast<std::int32_t>(0xFF534D42)).value_or("none") == "CIFS");
}

BOOST_AUTO_TEST_CASE(local_file_systems_are_none_of_them) {
  constexpr long ext4 = 0xEF53, xfs = 0x58465342, btrfs = 0x9123683E, tmpfs = 0x01021994,
                 overlay = 0x794C7630, zfs = 0x2FC12FC1, f2fs = 0xF2F52010, vfat = 0x4D44;
  for (auto type : {ext4, xfs, btrfs, tmpfs, overlay, zfs, f2fs, vfat, 0L})
    BOOST_TEST(!network_file_system(type).has_value(), type);
}

BOOST_AUTO_TEST_CASE(the_folder_of_the_database_decides) {
  std::vector<std::string> asked;
  auto nfs = [&](const std::string& folder) {
    asked.push_back(folder);
    return std::optional{0x6969L};
  };
  auto refusal = failure_of([&] { refuse_network_file_system("/share/deep/a.db", nfs); });
  BOOST_REQUIRE(refusal);
  BOOST_TEST((refusal->code() == errc::cannot_open));
  for (auto* part : {"/share/deep/a.db", "'/share/deep'", "NFS", "Nothing was changed",
                     "allow_network_file_system"})
    BOOST_TEST(contains(refusal->what(), part), refusal->what());
  BOOST_TEST(failure_of([&] { refuse_network_file_system("a.db", nfs); }).has_value());
  BOOST_TEST(asked == (std::vector<std::string>{"/share/deep", "."}),
             boost::test_tools::per_element());
}

// SQLite follows links, too, and the log will stand beside the file itself.
BOOST_AUTO_TEST_CASE(links_are_followed_also_where_nothing_is_yet) {
  temp_dir dir;
  std::filesystem::create_directory(dir / "far");
  std::filesystem::create_symlink("second", dir / "a.db");
  std::filesystem::create_symlink(dir / "far/a.db", dir / "second");
  std::string asked;
  refuse_network_file_system(dir / "a.db", [&](const std::string& folder) {
    asked = folder;
    return std::nullopt;
  });
  BOOST_TEST(asked == dir / "far");
}

BOOST_AUTO_TEST_CASE(the_folder_for_temporary_files_is_allowed_and_nothing_is_created) {
  temp_dir dir;
  BOOST_TEST(storage::file_system_type(dir.path().string()).has_value());
  refuse_network_file_system(dir / "a.db");
  BOOST_TEST(std::filesystem::is_empty(dir.path()));
  // Opening it says better what is wrong.
  refuse_network_file_system(dir / "missing/a.db");
}

BOOST_AUTO_TEST_SUITE_END()
