#include "quire/tests/history/operation.hpp"

#include <istream>
#include <sstream>
#include <stdexcept>

namespace quire::tests {

namespace {

std::int64_t number_in(std::string_view text) {
  return std::stoll(std::string{text});
}

std::vector<std::int64_t> numbers_in(std::string_view text) {
  std::vector<std::int64_t> result;
  while (!text.empty()) {
    auto comma = text.find(',');
    result.push_back(number_in(text.substr(0, comma)));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return result;
}

/// Reads numbers that must be there.
template <class... Numbers>
void need(std::istream& words, Numbers&... numbers) {
  (words >> ... >> numbers);
  if (!words)
    throw std::runtime_error("a line of a history is too short");
}

seen_state seen_in(std::istream& words) {
  seen_state seen;
  need(words, seen.writes_first, seen.writes_last);
  for (std::string word; words >> word;) {
    auto equals = word.find('=');
    if (equals == std::string::npos)
      throw std::runtime_error("not a value that was seen: " + word);
    auto of = number_in(std::string_view{word}.substr(1, equals - 1));
    auto rest = std::string_view{word}.substr(equals + 1);
    if (word[0] == 'l')
      seen.lists.emplace_back(of, numbers_in(rest));
    else
      seen.registers.emplace_back(of, number_in(rest));
  }
  return seen;
}

write_operation write_in(std::istream& words) {
  write_operation write;
  need(words, write.id, write.session, write.life, write.invoked);
  for (std::string word; words >> word;)
    (word[0] == 'a' ? write.appends : write.sets).push_back(number_in(word.substr(1)));
  return write;
}

read_operation read_in(std::istream& words) {
  read_operation read;
  need(words, read.session, read.life, read.invoked, read.ended);
  read.seen = seen_in(words);
  return read;
}

std::vector<std::int64_t> rest_of(std::istream& words) {
  std::vector<std::int64_t> result;
  for (std::int64_t number = 0; words >> number;)
    result.push_back(number);
  return result;
}

} // namespace

std::string to_words(const seen_state& seen) {
  std::string text = std::to_string(seen.writes_first) + " " + std::to_string(seen.writes_last);
  for (auto& [of, values] : seen.lists) {
    text += " l" + std::to_string(of) + "=";
    for (std::size_t i = 0; i < values.size(); ++i)
      text += (i ? "," : "") + std::to_string(values[i]);
  }
  for (auto& [of, value] : seen.registers)
    text += " g" + std::to_string(of) + "=" + std::to_string(value);
  return text;
}

void history_reader::read(std::istream& file) {
  for (std::string text; std::getline(file, text);)
    if (!file.eof()) // Else it has no end.
      line(text);
}

void history_reader::end_of_write(std::string_view kind, std::istream& words) {
  write_id id = 0;
  moment_ns when = 0;
  need(words, id, when);
  auto found = result_.writes.find(id);
  if (found == result_.writes.end() || found->second.ended != 0)
    throw std::runtime_error("an answer to no request: " + std::to_string(id));
  auto& write = found->second;
  write.ended = when;
  if (kind == "f")
    write.end = write_end::refused;
  if (kind != "o")
    return;
  write.end = write_end::committed;
  need(words, write.commit_seq);
  words >> std::ws;
  if (!words.eof())
    write.seen = seen_in(words);
}

void history_reader::line(std::string_view text) {
  std::istringstream words{std::string{text}};
  std::string kind;
  words >> kind;
  auto& last = result_.final;
  if (kind == "i") {
    auto write = write_in(words);
    if (!result_.writes.emplace(write.id, write).second)
      throw std::runtime_error("two writes with the number " + std::to_string(write.id));
  } else if (kind == "o" || kind == "f" || kind == "u") {
    end_of_write(kind, words);
  } else if (kind == "r") {
    result_.reads.push_back(read_in(words));
  } else if (kind == "W") {
    for (auto id : rest_of(words))
      last.writes.push_back(id);
  } else if (kind.starts_with('L')) {
    last.lists[number_in(kind.substr(1))] = rest_of(words);
  } else if (kind.starts_with('R')) {
    last.registers[number_in(kind.substr(1))] = rest_of(words).at(0);
  } else {
    throw std::runtime_error("not a line of a history: " + std::string{text});
  }
}

} // namespace quire::tests
