#include "quire/tests/storage/damaged_files.hpp"

#include "quire/storage/sqlite/upkeep.hpp"
#include "quire/tests/storage/batch_support.hpp"
#include "quire/tests/storage/run_fixture.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace quire::tests {

namespace {

constexpr std::size_t log_header = 32;
constexpr std::size_t frame_header = 24;

/// Tasks of every kind and a run, so that each table of Quire's has rows.
void fill(run_fixture& f) {
  for (int i = 0; i < 12; ++i)
    f.write([](auto& tx) { storage::enqueue_task(tx, run_fixture::work(), 1); });
  auto run = f.start(run_fixture::pipeline(
    {run_fixture::stage_after("one"), run_fixture::stage_after("two", {{"one"}})}));
  f.fan_out(run, "one", 3);
  task_outcome done;
  done.output = R"({"found": 3})";
  f.end_tasks({done, done, done});
  f.write([](auto& tx) { storage::record_maintenance(tx, {"optimize", 1, 2, 3, ""}); });
}

void set_page_size(const std::string& path, std::size_t page_size) {
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  auto sql =
    "PRAGMA journal_mode=DELETE; PRAGMA page_size=" + std::to_string(page_size) + "; VACUUM";
  sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
  sqlite3_close(db);
}

constexpr auto application_sql = R"(
CREATE TABLE entry(id INTEGER PRIMARY KEY, body TEXT NOT NULL, tag TEXT UNIQUE);
CREATE INDEX entry_body ON entry(substr(body, 1, 8)) WHERE id > 3;
CREATE TABLE pair(a TEXT, b INTEGER, PRIMARY KEY(a, b)) WITHOUT ROWID)";

/// The n-th write; some bodies take several pages.
std::vector<member> nth_write(int n) {
  auto number = std::to_string(n);
  auto body = "hex(zeroblob(" + number + " * 37 % 900))";
  std::vector<member> result;
  result.push_back(single("INSERT INTO entry(body, tag) VALUES(" + body + ", 't" + number + "')"));
  result.push_back(
    many({"UPDATE entry SET body = 'entry " + number + "' WHERE id = " + number + " / 2",
          "INSERT OR REPLACE INTO pair VALUES('a" + number + "', " + number + " % 7)"}));
  return result;
}

} // namespace

file_bytes read_file(const std::string& path) {
  std::error_code missing;
  auto size = std::filesystem::file_size(path, missing);
  file_bytes result(missing ? 0 : size);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(result.data()), static_cast<std::streamsize>(result.size()));
  return result;
}

std::string visible_contents(storage::connection& db) {
  std::string result;
  for (auto* sql : {"SELECT * FROM entry ORDER BY id", "SELECT * FROM pair ORDER BY a, b",
                    "SELECT seq FROM quire_commit", "SELECT id, state FROM quire_task ORDER BY id"})
    for (auto& row : rows_of(db, sql).rows)
      for (auto& x : row)
        result += to_display(x) + " ";
  return result;
}

database_image make_image(std::size_t page_size) {
  constexpr int early_writes = 30;
  constexpr int late_writes = 42;
  database_image image;
  image.page_size = page_size;
  run_fixture f;
  fill(f);
  auto path = f.dir / "quire.db";
  { auto closed = std::move(f.db); }
  set_page_size(path, page_size);
  auto options = impatient(path);
  options.checkpoint_on_close = false;
  {
    storage::batch_executor batch([&] { return storage::connection::open_writer(options); });
    batch.db().execute(application_sql);
    auto write = [&](int n) {
      auto members = nth_write(n);
      execute(batch, members);
    };
    for (int n = 1; n <= early_writes; ++n)
      write(n);
    batch.db().checkpoint(false);
    image.states.push_back({0, visible_contents(batch.db())});
    for (int n = early_writes + 1; n <= late_writes; ++n) {
      write(n);
      image.states.push_back(
        {static_cast<std::size_t>(batch.db().wal_frames()), visible_contents(batch.db())});
    }
  }
  for (auto* suffix : {"", "-wal", "-shm"})
    image.files[suffix] = read_file(path + suffix);
  return image;
}

const std::string& database_image::contents_with(const file_bytes& wal) const {
  auto& written = files.at("-wal");
  auto common = std::min(wal.size(), written.size());
  auto first =
    std::mismatch(wal.begin(), wal.begin() + static_cast<std::ptrdiff_t>(common), written.begin());
  auto intact = static_cast<std::size_t>(first.first - wal.begin());
  auto frames = intact < log_header ? 0 : (intact - log_header) / (page_size + frame_header);
  auto last =
    std::find_if(states.rbegin(), states.rend(), [&](auto& one) { return one.frames <= frames; });
  return last->contents;
}

file_damage::file_damage(const database_image& image, std::uint64_t seed)
  : image_(&image), chance_(seed), files_(image.files) {
  auto where = chance_.below(10); // 0..4: the database; 5..7: the log; 8, 9: both.
  for (auto count = 1 + chance_.below(3); count > 0; --count) {
    if (where < 5 || where > 7)
      damage_database();
    if (where > 4)
      damage_log();
  }
  if (chance_.happens(30))
    damage_index();
  if (chance_.happens(10))
    add_journal();
}

void file_damage::flip(file_bytes& file, std::size_t from, std::size_t to) {
  to = std::min(to, file.size());
  if (from >= to)
    return;
  for (auto count = 1 + chance_.below(4); count > 0; --count) {
    auto offset = from + chance_.below(to - from);
    auto change = chance_.happens(50) ? 1u << chance_.below(8) : 1 + chance_.below(255);
    file[offset] = static_cast<unsigned char>(file[offset] ^ change);
    text_ += " flip " + std::to_string(offset);
  }
}

void file_damage::garble(file_bytes& file, std::size_t from, std::size_t to) {
  auto zeros = chance_.happens(50);
  text_ += (zeros ? " zeros " : " garbage ") + std::to_string(from) + "-" + std::to_string(to);
  for (auto i = from; i < std::min(to, file.size()); ++i)
    file[i] = zeros ? 0 : static_cast<unsigned char>(chance_.below(256));
}

std::size_t file_damage::any_block(const file_bytes& file, std::size_t start, std::size_t size) {
  if (file.size() < start + size)
    return start;
  return start + size * chance_.below((file.size() - start) / size);
}

void file_damage::swap_blocks(file_bytes& file, std::size_t start, std::size_t size) {
  auto a = any_block(file, start, size);
  auto b = any_block(file, start, size);
  if (std::max(a, b) + size > file.size())
    return;
  text_ += " swap " + std::to_string(a) + " and " + std::to_string(b);
  auto at = [&](std::size_t offset) { return file.begin() + static_cast<std::ptrdiff_t>(offset); };
  std::swap_ranges(at(a), at(a + size), at(b));
}

void file_damage::damage_database() {
  log_only_ = false;
  auto& file = files_[""];
  text_ += "; database:";
  auto size = image_->page_size;
  auto page = any_block(file, 0, size);
  constexpr std::size_t header = 100;
  constexpr std::size_t page_head = 48; // The header of a page and its first cell pointers.
  switch (chance_.below(10)) {
    case 0: return flip(file, 0, header);
    case 1:
    case 2: return flip(file, page, page + page_head);
    case 3: return flip(file, page, page + size);
    case 4: return flip(file, 0, file.size());
    case 5: return garble(file, page, page + size);
    case 6: return swap_blocks(file, 0, size);
    case 7: return garble(file, page + chance_.below(size), page + size);
    case 8:
      text_ += " truncated at " + std::to_string(page);
      return file.resize(chance_.happens(80) ? page : page / 2);
    default: text_ += " longer"; file.resize(file.size() + 1 + chance_.below(3 * size), 0x5a);
  }
}

void file_damage::damage_log() {
  auto& file = files_["-wal"];
  text_ += "; log:";
  auto size = image_->page_size + frame_header;
  auto frame = any_block(file, log_header, size);
  switch (chance_.below(10)) {
    case 0: return flip(file, 0, log_header);
    case 1: return flip(file, frame, frame + frame_header);
    case 2:
    case 3: return flip(file, frame, frame + size);
    case 4: return garble(file, frame, frame + size);
    case 5: return swap_blocks(file, log_header, size);
    case 6: return garble(file, frame + chance_.below(size), frame + size);
    case 7:
      text_ += " truncated at " + std::to_string(frame);
      return file.resize(std::min(file.size(), frame + chance_.below(2) * chance_.below(size)));
    case 8: text_ += " longer"; return file.resize(file.size() + 1 + chance_.below(3 * size), 0x5a);
    default: text_ += " empty"; file.clear();
  }
}

void file_damage::damage_index() {
  text_ += "; index:";
  auto& file = files_["-shm"];
  switch (chance_.below(4)) {
    case 0: files_.erase("-shm"); return;
    case 1: return garble(file, 0, file.size());
    case 2: return file.resize(chance_.below(file.size()));
    default: flip(file, 0, 200);
  }
}

/// One that a transaction of the time before the log might have left.
void file_damage::add_journal() {
  log_only_ = false;
  text_ += "; journal";
  auto& file = files_["-journal"];
  file.resize(chance_.below(3 * image_->page_size));
  garble(file, 0, file.size());
  constexpr unsigned char magic[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
  if (chance_.happens(60) && file.size() > sizeof(magic))
    std::copy(std::begin(magic), std::end(magic), file.begin());
}

} // namespace quire::tests
