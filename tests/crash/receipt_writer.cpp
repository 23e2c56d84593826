// Writes with several clients at once until it is killed, and tells on its standard
// output what was acknowledged, before it does anything else. See receipts_under_kill.py.
//
// usage: receipt_writer DATABASE LIFE [early]
//
// `early` breaks the promise on purpose: a receipt is told before its COMMIT.
//
// Each line is one write(2) of less than PIPE_BUF bytes, so that none is told in part:
//   S                                   it begins to open the database
//   B <boot>                            it is open
//   R <client> <number> <seq> <sync>    committed; seq is 0 where there is no receipt
//   F <client> <number> <code> <outcome>   refused

#include "quire/app/runtime.hpp"

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <future>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace quire;

namespace {

// No row is unique by a constraint: what is written twice must show.
constexpr std::string_view tables = R"(
CREATE TABLE item(
  life INTEGER NOT NULL, client INTEGER NOT NULL, number INTEGER NOT NULL,
  part INTEGER NOT NULL, parts INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE INDEX item_of_life ON item(life);
CREATE TABLE used(x INTEGER PRIMARY KEY) STRICT;
INSERT INTO used VALUES(1);
CREATE TABLE bomb(x INTEGER);
CREATE TRIGGER bomb_goes_off BEFORE INSERT ON bomb BEGIN SELECT RAISE(ROLLBACK, 'bomb'); END;
CREATE TABLE orphan(x INTEGER REFERENCES used(x) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE bulk(id INTEGER PRIMARY KEY, data BLOB) STRICT;
INSERT INTO bulk VALUES(1, NULL);
)";

constexpr std::string_view insert_item =
  "INSERT INTO item SELECT ?1, ?2, ?3, ?4, ?5, seq FROM quire_commit WHERE id = 1";

/// Some spoil only themselves, some the whole transaction they are in.
const std::vector<std::string> failing{
  "INSERT INTO used VALUES(1)", // A single statement that SQLite undoes.
  "INSERT INTO bomb VALUES(1)",           "INSERT OR ROLLBACK INTO used VALUES(1)",
  "INSERT INTO used VALUES('no number')",
  "INSERT INTO orphan VALUES(7)", // Fails at COMMIT only.
};

void tell(const std::string& line) {
  auto text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    std::_Exit(3);
}

/// What one client writes: `number` decides all of it, so that the checker knows, too.
class client {
public:
  client(std::int64_t life, int number) : life_(life), client_(number) {}

  /// Two or three rows, so that a part of them would show.
  static std::int64_t parts_of(std::int64_t number) { return 2 + number % 2; }

  static bool must_fail(std::int64_t number) { return number % 8 == 7; }

  static durability sync_of(std::int64_t number) {
    return number % 3 == 0 ? durability::full : durability::normal;
  }

  const std::string& failing_statement(std::int64_t number) const {
    return failing[static_cast<std::size_t>(number / 8 + client_) % failing.size()];
  }

  messages::write_batch batch_of(std::int64_t number) const {
    messages::write_batch batch;
    batch.sync = sync_of(number);
    for (std::int64_t part = 0; part < parts_of(number); ++part)
      batch.statements.push_back(
        {std::string{insert_item}, {life_, client_, number, part, parts_of(number)}});
    if (must_fail(number))
      batch.statements.push_back({failing_statement(number), {}});
    if (number % 16 == 0) // The log grows: there is something to checkpoint.
      batch.statements.push_back({"UPDATE bulk SET data = randomblob(400000)", {}});
    return batch;
  }

  void run_in(storage::transaction& tx, std::int64_t number) const {
    for (std::int64_t part = 0; part < parts_of(number); ++part)
      tx.execute(insert_item, life_, client_, number, part, parts_of(number));
    if (must_fail(number))
      tx.execute(failing_statement(number));
  }

  void tell_receipt(std::int64_t number, std::uint64_t seq, durability sync) const {
    tell("R " + name(number) + " " + std::to_string(seq) + " " + std::string{to_string(sync)});
  }

  void tell_refusal(std::int64_t number, const failure& why) const {
    tell("F " + name(number) + " " + std::string{to_string(why.code())} + " "
         + std::string{to_string(why.outcome())});
  }

private:
  std::string name(std::int64_t number) const {
    return std::to_string(client_) + " " + std::to_string(number);
  }

  std::int64_t life_;
  int client_;
};

void write_batches(runtime& db, client self) {
  for (std::int64_t number = 0;; ++number) {
    try {
      auto receipt = db.write(self.batch_of(number));
      self.tell_receipt(number, receipt.commit_seq, client::sync_of(number));
    } catch (const failure& why) {
      self.tell_refusal(number, why);
    }
  }
}

/// Keeps `window` requests on their way.
void write_async(runtime& db, client self, std::size_t window) {
  std::deque<std::pair<std::int64_t, std::future<messages::receipt>>> sent;
  for (std::int64_t number = 0;; ++number) {
    sent.emplace_back(number, db.write_async(self.batch_of(number)));
    if (sent.size() < window)
      continue;
    auto [first, answer] = std::move(sent.front());
    sent.pop_front();
    try {
      self.tell_receipt(first, answer.get().commit_seq, client::sync_of(first));
    } catch (const failure& why) {
      self.tell_refusal(first, why);
    }
  }
}

void write_functions(runtime& db, client self, bool early) {
  std::int64_t told = -1; // A function may be run again.
  for (std::int64_t number = 0;; ++number) {
    try {
      db.write([&](storage::transaction& tx) {
        self.run_in(tx, number);
        if (early && std::exchange(told, number) != number)
          self.tell_receipt(number, 0, durability::normal);
      });
      if (!early)
        self.tell_receipt(number, 0, durability::normal);
    } catch (const failure& why) {
      self.tell_refusal(number, why);
    }
  }
}

} // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::cerr << "usage: receipt_writer DATABASE LIFE [early]\n";
    return 2;
  }
  auto life = std::strtoll(argv[2], nullptr, 10);
  bool early = argc > 3 && std::string_view{argv[3]} == "early";
  tell("S");
  options chosen;
  chosen.database = argv[1];
  chosen.schema = "receipts";
  chosen.migrations = {{1, "0001_tables", tables}};
  chosen.foreign_keys = true;
  runtime db(std::move(chosen));
  tell("B " + std::to_string(db.opened().boot));
  std::vector<std::jthread> clients;
  for (int number = 0; number < 3; ++number)
    clients.emplace_back([&db, self = client(life, number)] { write_batches(db, self); });
  for (int number = 3; number < 5; ++number)
    clients.emplace_back([&db, self = client(life, number)] { write_async(db, self, 16); });
  for (int number = 5; number < 7; ++number)
    clients.emplace_back([&, self = client(life, number)] { write_functions(db, self, early); });
  for (auto& thread : clients)
    thread.join();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << "receipt_writer: " << problem.what() << "\n";
  return 1;
}
