// Writes and reads with several clients at once and records what it asked and what it
// was answered. See under_fire.py, which kills it, and operation.hpp for the lines.
//
// usage: history_client DATABASE HISTORY LIFE OPERATIONS SEED
//
// It says "ready" when the database is open, and ends after so many operations.

#include "quire/app/runtime.hpp"
#include "quire/tests/history/plan.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <future>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace quire;
using namespace quire::tests;

namespace {

moment_ns now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
           std::chrono::steady_clock::now().time_since_epoch())
    .count();
}

/// Appends lines to a file, each with one write(2): what was told survives a kill.
class record {
public:
  explicit record(const char* path)
    : file_(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}

  void add(std::string line) const {
    line += '\n';
    if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      std::terminate();
  }

private:
  int file_;
};

/// Hands acknowledged writes over to readers on other threads.
class handover {
public:
  void put(const write_operation& write) {
    std::lock_guard guard(mutex_);
    writes_.push_back(write);
    if (writes_.size() > 64)
      writes_.pop_front();
    some_.notify_one();
  }

  /// @returns nothing once it was closed.
  std::optional<write_operation> take() {
    std::unique_lock guard(mutex_);
    some_.wait(guard, [this] { return closed_ || !writes_.empty(); });
    if (closed_)
      return std::nullopt;
    auto newest = std::move(writes_.back());
    writes_.pop_back();
    return newest;
  }

  void close() {
    std::lock_guard guard(mutex_);
    closed_ = true;
    some_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<write_operation> writes_;
  bool closed_ = false;
};

/// What all threads of this process share.
struct common {
  std::string database;
  int life;
  std::uint64_t seed;
  record out;
  std::atomic<std::int64_t> left;        ///< Operations.
  std::atomic<std::int64_t> position{0}; ///< About how many writes there are.
  handover acknowledged{};

  bool goes_on() { return left.fetch_sub(1) > 0; }
};

options options_of(const common& all, access_mode mode) {
  options chosen;
  chosen.database = all.database;
  chosen.mode = mode;
  chosen.readers = 3;
  chosen.schema = "history";
  chosen.migrations = {{1, "0001_tables", history_tables}};
  return chosen;
}

/// One thread of the history, a session of its own.
class session {
public:
  session(common& all, int thread)
    : all_(all), number_(all.life * 100 + thread),
      plan_(all.seed * 1000 + static_cast<std::uint64_t>(number_)) {}

  planner& plan() { return plan_; }

  write_operation new_write() {
    auto write = plan_.write(all_.position);
    write.id = number_ * std::int64_t{1'000'000} + ++writes_;
    write.session = number_;
    write.life = all_.life;
    return write;
  }

  void requested(const write_operation& write) const {
    std::string line = "i " + std::to_string(write.id) + " " + std::to_string(write.session) + " "
                       + std::to_string(write.life);
    std::string keys;
    for (auto of : write.appends)
      keys += " a" + std::to_string(of);
    for (auto of : write.sets)
      keys += " s" + std::to_string(of);
    all_.out.add(line + " " + std::to_string(now()) + keys);
  }

  void committed(const write_operation& write, std::uint64_t seq, const seen_state& seen) {
    all_.out.add("o " + std::to_string(write.id) + " " + std::to_string(now()) + " "
                 + std::to_string(seq) + " " + to_words(seen));
    all_.position = seen.writes_last + 1;
    all_.acknowledged.put(write);
  }

  void refused(const write_operation& write, const failure& why) const {
    all_.out.add((why.outcome() == write_outcome::not_applied ? "f " : "u ")
                 + std::to_string(write.id) + " " + std::to_string(now()) + " "
                 + std::string{to_string(why.code())});
  }

  /// Both only with rows of all statements.
  void write_function(runtime& db) {
    auto write = new_write();
    auto statements = statements_of(write, plan_.failing());
    requested(write);
    try {
      auto rows = db.write([&](storage::transaction& tx) {
        std::vector<row_set> found;
        for (auto& statement : statements)
          if (auto one = tx.query(statement); !one.columns.empty())
            found.push_back(std::move(one));
        return found;
      });
      committed(write, 0, seen_by_write(write, rows));
    } catch (const failure& why) {
      refused(write, why);
    }
  }

  std::future<messages::receipt> send(runtime& db, const write_operation& write) {
    messages::write_batch batch;
    batch.statements = statements_of(write, plan_.failing());
    requested(write);
    return db.write_async(std::move(batch));
  }

  void await(const write_operation& write, std::future<messages::receipt> answer) {
    try {
      auto receipt = answer.get();
      committed(write, receipt.commit_seq, seen_by_write(write, receipt.results));
    } catch (const failure& why) {
      refused(write, why);
    }
  }

  void write_batch(runtime& db) {
    auto write = new_write();
    await(write, send(db, write));
  }

  void read(runtime& db, std::vector<key> lists, std::vector<key> registers) {
    auto statements = statements_of(lists, registers);
    auto began = now();
    auto rows = plan_.below(2) == 0 ? by_query(db, statements) : by_function(db, statements);
    auto ended = now();
    auto seen = seen_by_read(lists, registers, rows);
    all_.out.add("r " + std::to_string(number_) + " " + std::to_string(all_.life) + " "
                 + std::to_string(began) + " " + std::to_string(ended) + " " + to_words(seen));
  }

  void read_something(runtime& db) {
    read(db, plan_.some_lists(all_.position), plan_.some_registers());
  }

private:
  static std::vector<row_set> by_query(runtime& db, std::vector<sql_statement> statements) {
    messages::query asked;
    asked.statements = std::move(statements);
    return db.query_async(std::move(asked)).get().results;
  }

  static std::vector<row_set> by_function(runtime& db,
                                          const std::vector<sql_statement>& statements) {
    return db.read([&](storage::snapshot& state) {
      std::vector<row_set> rows;
      for (auto& statement : statements)
        rows.push_back(state.query(statement));
      return rows;
    });
  }

  common& all_;
  int number_;
  planner plan_;
  std::int64_t writes_ = 0;
};

/// One request at a time, of both forms, and a read of its own writes now and then.
void write_and_read(common& all, runtime& db, session self) {
  while (all.goes_on()) {
    self.plan().below(2) == 0 ? self.write_batch(db) : self.write_function(db);
    if (self.plan().below(4) == 0 && all.goes_on())
      self.read_something(db);
  }
}

/// Several requests on their way at once, each of a session of its own.
void write_at_once(common& all, runtime& db, std::vector<session> sessions) {
  while (all.goes_on()) {
    std::vector<std::pair<write_operation, std::future<messages::receipt>>> sent;
    for (auto& one : sessions) {
      auto write = one.new_write();
      sent.emplace_back(write, one.send(db, write));
      all.goes_on();
    }
    for (std::size_t i = 0; i < sent.size(); ++i)
      sessions[i].await(sent[i].first, std::move(sent[i].second));
  }
}

/// Reads what another thread has just got a receipt for.
void read_after_receipts(common& all, runtime& db, session self) {
  while (auto write = all.acknowledged.take()) {
    if (!all.goes_on())
      return;
    auto lists = write->appends;
    lists.resize(std::min<std::size_t>(lists.size(), 2));
    self.read(db, lists, write->sets);
  }
}

void read_anything(common& all, runtime& db, session self) {
  while (all.goes_on())
    self.read_something(db);
}

/// Opens the file anew for each few operations, beside the owner.
void come_and_go(common& all, session looking, session visiting) {
  while (all.goes_on()) {
    {
      runtime db(options_of(all, access_mode::look));
      for (int i = 0; i < 5 && all.goes_on(); ++i)
        looking.read_something(db);
    }
    runtime db(options_of(all, access_mode::visit));
    for (int i = 0; i < 3 && all.goes_on(); ++i) {
      visiting.write_batch(db);
      visiting.read_something(db);
    }
  }
}

void run(common& all, runtime& db) {
  int number = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 2; ++i)
    readers.emplace_back(
      [&, self = session(all, ++number)] { read_after_receipts(all, db, self); });
  {
    std::vector<std::jthread> others;
    for (int i = 0; i < 3; ++i)
      others.emplace_back([&, self = session(all, ++number)] { write_and_read(all, db, self); });
    for (int i = 0; i < 2; ++i)
      others.emplace_back([&, self = session(all, ++number)] { read_anything(all, db, self); });
    std::vector<session> at_once;
    for (int i = 0; i < 4; ++i)
      at_once.emplace_back(all, ++number);
    others.emplace_back([&, at_once] { write_at_once(all, db, at_once); });
    others.emplace_back([&, looking = session(all, ++number), visiting = session(all, ++number)] {
      come_and_go(all, looking, visiting);
    });
  }
  all.acknowledged.close();
}

} // namespace

int main(int argc, char** argv) try {
  if (argc != 6) {
    std::cerr << "usage: history_client DATABASE HISTORY LIFE OPERATIONS SEED\n";
    return 2;
  }
  common all{argv[1], std::stoi(argv[3]), std::stoull(argv[5]), record(argv[2]),
             std::stoll(argv[4])};
  runtime db(options_of(all, access_mode::own));
  all.position =
    db.query("SELECT coalesce(max(position), 0) FROM written").rows.at(0).at(0).integer();
  std::cout << "ready" << std::endl;
  run(all, db);
  return 0;
} catch (const std::exception& problem) {
  std::cerr << "history_client: " << problem.what() << "\n";
  return 1;
}
