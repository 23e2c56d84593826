#pragma once

#include "quire/messages/types/row_set.hpp"

#include <vector>

namespace quire::storage {

/// Writes row sets as bytes, to be kept in the database: little-endian numbers, texts and
/// blobs after their length.
blob encode_row_sets(const std::vector<row_set>& results);

/// The reverse.
/// @throws error with `errc::corrupt` if `bytes` is not what `encode_row_sets` makes.
std::vector<row_set> decode_row_sets(const blob& bytes);

} // namespace quire::storage
