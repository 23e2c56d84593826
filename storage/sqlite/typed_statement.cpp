#include "quire/storage/sqlite/typed_statement.hpp"

#include "quire/storage/sqlite/raise.hpp"

namespace quire::storage::detail {

void raise_row_error(const row_error& failure, std::string_view sql) {
  std::string text = failure.what();
  if (!sql.empty())
    text += ", in: " + shortened(sql);
  throw error(failure.code(), text);
}

void raise_too_many(std::size_t rows_max, std::size_t bytes_max, std::string_view sql) {
  throw error(errc::too_large, "the result is larger than " + std::to_string(rows_max) + " rows or "
                                 + std::to_string(bytes_max) + " bytes, in: " + shortened(sql));
}

} // namespace quire::storage::detail
