#include "quire/storage/sqlite/request_keys.hpp"

#include "quire/storage/sqlite/row_codec.hpp"

#include <bit>
#include <string_view>

namespace quire::storage {

namespace {

constexpr std::string_view find_sql = R"(
  SELECT id, fingerprint, created_at, commit_seq, rows_changed, last_rowid, results
  FROM quire_request WHERE key = ?1)";

constexpr std::string_view insert_sql = R"(
  INSERT INTO quire_request(key, fingerprint, created_at, commit_seq, rows_changed, last_rowid, results)
  VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7))";

constexpr std::string_view delete_sql = "DELETE FROM quire_request WHERE id = ?1";
constexpr std::string_view bound_sql = "DELETE FROM quire_request WHERE id <= ?1";

constexpr std::string_view forget_sql = R"(
  DELETE FROM quire_request WHERE id IN
    (SELECT id FROM quire_request WHERE created_at < ?1 ORDER BY created_at LIMIT ?2))";

class fingerprint {
public:
  void add(const void* data, std::size_t size) {
    auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i)
      hash_ = (hash_ ^ bytes[i]) * 1'099'511'628'211u;
  }

  void add(std::uint64_t x) { add(&x, sizeof x); }

  void add(std::string_view text) {
    add(text.size());
    add(text.data(), text.size());
  }

  void add(const value& x) {
    add(static_cast<std::uint64_t>(x.type()));
    switch (x.type()) {
      case value::kind::null: break;
      case value::kind::integer: return add(static_cast<std::uint64_t>(x.integer()));
      case value::kind::real: return add(std::bit_cast<std::uint64_t>(x.real()));
      case value::kind::text: return add(std::string_view{x.text()});
      case value::kind::bytes: {
        add(x.bytes().size());
        return add(x.bytes().data(), x.bytes().size());
      }
    }
  }

  std::int64_t number() const noexcept { return std::bit_cast<std::int64_t>(hash_); }

private:
  std::uint64_t hash_ = 14'695'981'039'346'656'037u;
};

statement_cache::lease prepare_for_keys(transaction& tx, std::string_view sql) {
  try {
    return tx.prepare(sql);
  } catch (const error& failure) {
    throw error(errc::not_found,
                "the database has no table of Quire for keys of requests: open it as its "
                "owner once; nothing was changed ("
                  + std::string{failure.what()} + ")");
  }
}

} // namespace

std::int64_t fingerprint_of(const std::vector<sql_statement>& statements) {
  fingerprint print;
  for (auto& statement : statements) {
    print.add(std::string_view{statement.sql});
    print.add(statement.params.size());
    for (auto& param : statement.params)
      print.add(param);
  }
  return print.number();
}

std::optional<kept_request> find_request(transaction& tx, const std::string& key,
                                         std::int64_t fingerprint, std::int64_t since_ms) {
  if (key.size() > request_key_max)
    throw error(errc::invalid_argument, "the idempotency key has " + std::to_string(key.size())
                                          + " bytes; at most " + std::to_string(request_key_max)
                                          + " are allowed; nothing was changed");
  std::int64_t outdated = 0;
  {
    auto stmt = prepare_for_keys(tx, find_sql);
    if (!stmt->bind(key).step())
      return std::nullopt;
    if (stmt->int64(2) >= since_ms) {
      if (stmt->int64(1) != fingerprint)
        throw error(errc::conflict, "another request was executed under the idempotency key '" + key
                                      + "'; nothing of this one was done");
      kept_request found{
        static_cast<std::uint64_t>(stmt->int64(3)), stmt->int64(4), stmt->int64(5), {}};
      if (!stmt->is_null(6))
        found.results = decode_row_sets(stmt->column(6).bytes());
      return found;
    }
    outdated = stmt->int64(0);
  }
  tx.execute(delete_sql, outdated);
  return std::nullopt;
}

void keep_request(transaction& tx, const std::string& key, std::int64_t fingerprint,
                  const kept_request& answer, std::int64_t now_ms) {
  value results;
  if (!answer.results.empty()) {
    auto bytes = encode_row_sets(answer.results);
    if (bytes.size() > request_results_max)
      throw error(errc::too_large, "a request with an idempotency key returned "
                                     + std::to_string(bytes.size()) + " bytes of rows; at most "
                                     + std::to_string(request_results_max)
                                     + " can be kept for its repetition; nothing of it was kept");
    results = value{std::move(bytes)};
  }
  tx.execute(insert_sql, key, fingerprint, now_ms, static_cast<std::int64_t>(answer.commit_seq),
             answer.rows_changed, answer.last_rowid, results);
  auto newest = tx.last_insert_rowid();
  if (newest > request_keys_max)
    tx.execute(bound_sql, newest - request_keys_max);
}

std::int64_t forget_requests(transaction& tx, std::int64_t before_ms, int limit) {
  return tx.execute(forget_sql, before_ms, limit);
}

} // namespace quire::storage
