#pragma once

// What a history is made of, and the lines that hold it.

#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quire::tests {

using key = std::int64_t;
using write_id = std::int64_t;

/// What a write adds: the `index`-th thing it does is to append `value_of(id, index)`
/// to a list, or to set a register to it. So every value says who wrote it.
constexpr std::int64_t values_of_a_write = 8;

constexpr std::int64_t value_of(write_id id, std::int64_t index) {
  return id * values_of_a_write + index;
}

constexpr write_id writer_of(std::int64_t value) {
  return value / values_of_a_write;
}

/// Nanoseconds of the machine's steady clock, which all processes share.
using moment_ns = std::int64_t;

/// What a read saw: whole lists and registers (0: never set), and the number of
/// writes that were there at its first and at its last statement.
struct seen_state {
  std::int64_t writes_first = 0;
  std::int64_t writes_last = 0;
  std::vector<std::pair<key, std::vector<std::int64_t>>> lists;
  std::vector<std::pair<key, std::int64_t>> registers;
};

enum class write_end : std::uint8_t {
  open, ///< No answer: its process was killed, or it said `unknown`.
  committed,
  refused, ///< Surely not applied.
};

/// A write from its request to its answer.
struct write_operation {
  write_id id = 0;
  int session = 0; ///< One thread of one process.
  int life = 0;    ///< Of the runtime: grows with each start of its process.
  moment_ns invoked = 0;
  std::vector<key> appends; ///< Lists, by the index of the value.
  std::vector<key> sets;    ///< Registers; their indices follow.
  write_end end = write_end::open;
  moment_ns ended = 0;
  std::int64_t commit_seq = 0;    ///< Of its receipt; 0: it got none.
  std::optional<seen_state> seen; ///< Read by the write itself, before it wrote.
};

struct read_operation {
  int session = 0;
  int life = 0;
  moment_ns invoked = 0;
  moment_ns ended = 0;
  seen_state seen;
};

/// What is in the database when all is over.
struct final_state {
  std::vector<write_id> writes; ///< In the order of their commits.
  std::map<key, std::vector<std::int64_t>> lists;
  std::map<key, std::int64_t> registers;
};

struct history {
  std::map<write_id, write_operation> writes;
  std::vector<read_operation> reads;
  final_state final;
};

/// Writes `seen` as words of a line, in the form that `history_reader` reads.
std::string to_words(const seen_state& seen);

/// Reads the files of the processes, one after the other.
class history_reader {
public:
  /// Each complete line is one of
  ///   i <id> <session> <life> <ns> [a<key>]... [s<key>]...    a write is requested
  ///   o <id> <ns> <commit seq> [<seen>]                       it is committed
  ///   f <id> <ns> <why>                                       it is refused
  ///   u <id> <ns> <why>                                       nobody knows
  ///   r <session> <life> <ns> <ns> <seen>                     a read
  ///   W <id>... | L<key> <value>... | R<key> <value>          of the final state
  /// with <seen> = <writes first> <writes last> [l<key>=<value>,...]... [g<key>=<value>]...
  /// What is cut off at the end of a file belongs to a process that was killed there.
  /// @throws std::runtime_error for any other line.
  void read(std::istream& file);

  history take() { return std::move(result_); }

private:
  void line(std::string_view text);
  void end_of_write(std::string_view kind, std::istream& words);

  history result_;
};

} // namespace quire::tests
