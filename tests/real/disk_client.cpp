// Writes and reads as it is told on its standard input, one word a line, and says on its
// standard output what came of it. See full_disk.py.
//
// usage: disk_client DATABASE
//
//   write   inserts the next row of 20,000 bytes:   R <id>, or F <id> <code> <outcome>
//   read    counts the rows:                         C <rows>, or E <code>
//   trouble  what keeps the writer from working:     T <code>, or T ok
//
// It ends with its input, and says `open` when the database is open.

#include "quire/app/runtime.hpp"

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

using namespace quire;

namespace {

constexpr std::string_view tables = R"(
CREATE TABLE item(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
)";

void write_row(runtime& db, std::int64_t id) {
  try {
    db.write("INSERT INTO item VALUES(?1, randomblob(20000))", {id});
    std::cout << "R " << id << std::endl;
  } catch (const failure& why) {
    std::cout << "F " << id << " " << to_string(why.code()) << " " << to_string(why.outcome())
              << std::endl;
  }
}

void count_rows(runtime& db) {
  try {
    // Reads pages of the table: a count alone looks at few.
    auto rows = db.query_scalar<std::int64_t>("SELECT count(*) FROM item WHERE length(data) > 0");
    std::cout << "C " << rows << std::endl;
  } catch (const failure& why) {
    std::cout << "E " << to_string(why.code()) << std::endl;
  }
}

void tell_trouble(runtime& db) {
  std::string_view word = "ok";
  for (auto& service : db.status().services)
    if (service.service == "writer" && service.state == "degraded")
      word = to_string(static_cast<errc>(counter_of(service, "trouble")));
  std::cout << "T " << word << std::endl;
}

} // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: disk_client DATABASE\n";
    return 2;
  }
  options chosen;
  chosen.database = argv[1];
  chosen.schema = "disk";
  chosen.migrations = {{1, "0001_tables", tables}};
  runtime db(std::move(chosen));
  auto id = db.query_scalar<std::int64_t>("SELECT coalesce(max(id), 0) FROM item");
  // A number is used once, whatever became of it.
  id += 1'000'000 * db.opened().boot;
  std::cout << "open" << std::endl;
  for (std::string word; std::getline(std::cin, word);) {
    if (word == "write")
      write_row(db, ++id);
    else if (word == "read")
      count_rows(db);
    else if (word == "trouble")
      tell_trouble(db);
  }
  return 0;
} catch (const std::exception& problem) {
  std::cerr << "disk_client: " << problem.what() << "\n";
  return 1;
}
