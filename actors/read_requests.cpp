#include "quire/actors/read_requests.hpp"

#include "quire/actors/sql_guard.hpp"
#include "quire/storage/sqlite/transaction.hpp"

namespace quire::actors {

void query_request::run(storage::connection& connection) {
  storage::snapshot db{connection};
  messages::query_result result;
  result.results.reserve(query_.statements.size());
  std::optional<storage::statement_cache::lease> stmt;
  const std::string* text = nullptr;
  for (auto& statement : query_.statements) {
    // Many lookups are many times the same text.
    if (!text || *text != statement.sql) {
      stmt.reset();
      stmt.emplace(db.prepare_from_outside(statement.sql, check_read));
      text = &statement.sql;
      if (!(*stmt)->read_only())
        throw storage::error(errc::read_only,
                             "this statement writes, and a reader cannot: send it to the writer; "
                             "nothing was changed");
    }
    (*stmt)->bind_all_borrowed(statement.params);
    result.results.push_back((*stmt)->fetch_all(query_.rows_max, query_.bytes_max));
  }
  answer_.deliver(std::move(result));
}

void read_call_request::run(storage::connection& connection) {
  storage::snapshot db{connection};
  (*run_)(db);
  answer_.deliver({});
}

} // namespace quire::actors
