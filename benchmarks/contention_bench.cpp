// Three services that work on one file at the same time: with a pool of connections
// as such programs are usually written, and with Quire.

#include "quire/benchmarks/clients.hpp"
#include "quire/benchmarks/contention.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace quire::benchmarks;

namespace {

/// What `run_transaction` and `run_read` want of a transaction or a snapshot.
template <class Db>
class quire_session {
public:
  explicit quire_session(Db& db) : db_(db) {}

  template <class... Values>
  std::vector<std::int64_t> numbers(std::string_view sql, const Values&... values) {
    auto statement = db_.prepare(sql);
    std::vector<std::int64_t> row;
    if (statement->bind(values...).step())
      for (int i = 0; i < statement->column_count(); ++i)
        row.push_back(statement->int64(i));
    statement->reset();
    return row;
  }

  template <class... Values>
  void execute(std::string_view sql, const Values&... values) {
    db_.execute(sql, values...);
  }

private:
  Db& db_;
};

std::vector<sample> quire_contention(const settings& how) {
  scratch_folder folder(how.folder);
  make_contended(folder.database());
  commit_counts committed;
  std::vector<sample> results;
  {
    quire::runtime running(event_options(folder.database(), "normal"));
    results = run_services(
      how, committed,
      [&](service who, std::uint64_t i, sample&) {
        running.write([who, i](quire::storage::transaction& tx) {
          quire_session session(tx);
          run_transaction(session, who, i);
        });
      },
      [&](service who, std::uint64_t i) {
        return running.read([who, i](quire::storage::snapshot& db) {
          quire_session session(db);
          return run_read(session, who, i);
        });
      });
  }
  if (auto wrong = committed.verify(folder.database()); !wrong.empty())
    results.front().fail(wrong);
  return results;
}

void run(program& self) {
  auto how = self.how().longer(self.how().quick ? 1 : 2);
  auto against = [&](const std::string& name, beginning kind) {
    self.compare_all(
      {{name + "_writes", service_threads, 1, "normal"},
       {name + "_reads", service_threads, 1, "normal"}},
      [&] { return quire_contention(how); }, [&] { return plain_contention(how, kind); });
  };
  against("pool_deferred", beginning::deferred);
  against("pool_immediate", beginning::immediate);
}

} // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, "contention_bench", run);
}
