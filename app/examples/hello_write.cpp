// Two threads share one database: one writes, one reads, nobody is ever told
// that the database is locked.
#include "quire/app/runtime.hpp"

#include <cstdlib>
#include <iostream>
#include <thread>

int main(int argc, char** argv) try {
  quire::options options;
  options.database = argc > 1 ? argv[1] : "hello.db";
  quire::runtime runtime{options};

  runtime.write("CREATE TABLE IF NOT EXISTS visit(id INTEGER PRIMARY KEY, who TEXT NOT NULL)");

  std::jthread guest([&runtime] { runtime.write("INSERT INTO visit(who) VALUES(?1)", {"guest"}); });
  auto receipt = runtime.write("INSERT INTO visit(who) VALUES(?1)", {"host"});
  guest.join();

  // A read that is sent after a receipt sees that write.
  auto rows = runtime.query("SELECT count(*) FROM visit WHERE who = ?1", {"host"}).rows;
  std::cout << "committed in batch " << receipt.commit_seq << "; the host was here "
            << rows[0][0].integer() << " time(s)\n";

  // Several statements and reads between them, as one unit.
  auto visits = runtime.write([](quire::storage::transaction& tx) {
    tx.execute("UPDATE visit SET who = upper(who) WHERE who = ?1", "guest");
    return tx.query({"SELECT who FROM visit ORDER BY id", {}}).rows.size();
  });
  std::cout << visits << " visit(s) in all\n";
  return EXIT_SUCCESS;
} catch (const quire::failure& failed) {
  std::cerr << quire::to_string(failed.code()) << ": " << failed.what() << "\n";
  return EXIT_FAILURE;
}
