#include "quire/tests/storage/batch_support.hpp"
#include "quire/tests/storage/damaged_files.hpp"
#include "quire/tests/storage/storage_support.hpp"

#include "quire/storage/sqlite/file_origin.hpp"
#include "quire/storage/sqlite/migrations.hpp"
#include "quire/storage/sqlite/pipeline_store.hpp"
#include "quire/storage/sqlite/task_store.hpp"
#include "quire/storage/sqlite/upkeep.hpp"
#include "quire/tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <map>

using namespace quire;
using namespace quire::tests;
using namespace quire::storage;

namespace {

/// How often SQLite may ask whether to go on (each 1000 of its steps) in one operation:
/// far more than a sound database of this size could need.
constexpr int asked_max = 20'000;

/// What damage may be called. Whatever is not here would be a wrong answer: nobody waits,
/// and nothing of Quire's is broken.
bool makes_sense(errc code) {
  switch (code) {
    case errc::corrupt:
    case errc::not_a_database:
    case errc::io:
    case errc::cannot_open:
    case errc::read_only:
    case errc::sql:
    case errc::constraint:
    case errc::not_found:
    case errc::conflict:
    case errc::too_large:
    case errc::disk_full:
    case errc::newer_schema:
    case errc::migration_changed:
    case errc::commit_outcome_unknown: return true;
    default: return false;
  }
}

/// One damaged database, and everything that Quire would do with it.
class patient {
public:
  patient(const database_image& image, const file_damage& damage)
    : image_(&image), damage_(&damage) {
    for (auto& [suffix, bytes] : damage.files()) {
      std::ofstream file(path_ + suffix, std::ios::binary);
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    }
  }

  /// @returns what went wrong; nothing if all went as it should.
  std::string examine() {
    read();
    if (read_file(path_) != damage_->files().at(""))
      trouble_ += "\n  reading has changed the database";
    if (read_file(path_ + "-wal") != damage_->files().at("-wal"))
      trouble_ += "\n  reading has changed the log";
    write();
    if (damage_->log_only()) {
      attempt("open again", [&] {
        auto db = connection::open_reader(impatient(path_));
        auto count = first_of(db, "SELECT count(*) FROM entry WHERE tag LIKE 'new%'");
        if (count != value{kept_})
          trouble_ += "\n  acknowledged writes: " + to_display(count) + " instead of "
                      + std::to_string(kept_);
      });
    }
    return trouble_;
  }

  const std::map<errc, int>& codes() const noexcept { return codes_; }

private:
  void note(const std::string& what, const error& failure) {
    ++codes_[failure.code()];
    if (!makes_sense(failure.code()) || damage_->log_only())
      trouble_ +=
        "\n  " + what + ": " + std::string{to_string(failure.code())} + ", " + failure.what();
  }

  template <class Work>
  void attempt(const std::string& what, Work&& work) {
    asked_ = 0;
    try {
      work();
    } catch (const error& failure) {
      note(what, failure);
    } catch (const std::exception& failure) {
      trouble_ += "\n  " + what + " threw something else: " + failure.what();
    }
  }

  bool too_long() { return ++asked_ > asked_max; }

  /// A log that is damaged ends there: what it holds before that is served, nothing else.
  void check_contents(connection& db) {
    auto contents = visible_contents(db);
    if (damage_->log_only() && contents != image_->contents_with(damage_->files().at("-wal")))
      trouble_ += "\n  not the contents that the log holds";
    auto findings = quick_check(db);
    if (damage_->log_only() && !findings.empty())
      trouble_ += "\n  quick_check: " + findings.front();
  }

  void read() {
    attempt("read", [&] {
      auto db = connection::open_reader(impatient(path_));
      db.limit_running([&] { return too_long(); });
      look(db);
    });
  }

  void look(connection& db) {
    snapshot view{db};
    attempt("check the schema", [&] { check_schema(db, "quire", quire_migrations()); });
    attempt("check the contents", [&] { check_contents(db); });
    attempt("list tasks", [&] { list_tasks(view, {}); });
    for (int i = 1; i < 4; ++i)
      attempt("find a task", [&] { find_task(view, task_id{i}); });
    attempt("count tasks", [&] { count_tasks_by_state(view); });
    attempt("find the next time", [&] { next_due_time(view); });
    attempt("list runs", [&] { list_runs(view, {}); });
    attempt("find a run", [&] { find_run(view, run_id{1}); });
    attempt("find a definition", [&] { run_definition(view, run_id{1}); });
    attempt("find outputs", [&] { stage_outputs(view, run_id{1}, "one"); });
    attempt("tell of maintenance", [&] { last_maintenance(view); });
    attempt("find the origin", [&] { is_marked_as_ours(db); });
    attempt("search", [&] {
      rows_of(db, "SELECT * FROM entry WHERE substr(body, 1, 8) = 'entry 17' AND id > 3");
      rows_of(db, "SELECT * FROM entry WHERE tag > 't2' ORDER BY tag DESC");
    });
  }

  std::vector<member> writes() {
    constexpr std::int64_t now = 2'000'000;
    auto call = [](auto&& work) { return member{work}; };
    return {single("INSERT INTO entry(body, tag) VALUES(hex(randomblob(3000)), 'new' || random())"),
            many({"INSERT INTO entry(body, tag) VALUES('x', 'new' || random())",
                  "UPDATE entry SET body = body || '+'"}),
            call([](auto& tx) { begin_boot(tx, now); }),
            call([](auto& tx) { enqueue_task(tx, {}, now); }),
            call([](auto& tx) {
              task_spec spec;
              spec.kind = "work";
              enqueue_task(tx, spec, now);
            }),
            call([](auto& tx) {
              std::vector<std::string> kinds{"work"};
              for (auto& one : claim_tasks(tx, kinds, 3, 2, now))
                finish_attempt(tx, one.id, one.epoch, {}, now, now);
            }),
            call([](auto& tx) { promote_due_tasks(tx, now); }),
            call([](auto& tx) { prune_tasks(tx, now); }),
            call([](auto& tx) { cancel_run(tx, run_id{1}, "damaged", now); }),
            call([](auto& tx) { prune_runs(tx, now); }),
            call([](auto& tx) { delete_orphans(tx); }),
            single("DELETE FROM pair"),
            single("DELETE FROM entry WHERE id % 3 = 0 AND tag NOT LIKE 'new%'")};
  }

  void write() {
    attempt("write", [&] {
      batch_executor batch([&] { return connection::open_writer(impatient(path_)); },
                           {[&] { asked_ = 0; }, [&] { return too_long(); }});
      attempt("migrate", [&] { migrate(batch.db(), "quire", quire_migrations(), 1); });
      look(batch.db());
      auto members = writes();
      for (int round = 0; round < 2; ++round) {
        auto results = execute(batch, members);
        for (std::size_t i = 0; i < results.size(); ++i)
          if (results[i].failure && results[i].failure->code() != errc::invalid_argument
              && results[i].failure->code() != errc::conflict)
            note("member " + std::to_string(i), *results[i].failure);
        for (std::size_t i = 0; i < 2; ++i)
          kept_ += results[i].failure ? 0 : 1;
        attempt("checkpoint", [&] { batch.db().checkpoint(round == 1); });
      }
      attempt("optimize", [&] { optimize(batch.db()); });
      attempt("check again", [&] { quick_check(batch.db()); });
    });
  }

  const database_image* image_;
  const file_damage* damage_;
  temp_dir dir_;
  std::string path_ = dir_ / "a.db";
  std::string trouble_;
  std::map<errc, int> codes_;
  int asked_ = 0;
  int kept_ = 0;
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  auto* text = std::getenv(name);
  return text ? std::stoull(text) : otherwise;
}

} // namespace

BOOST_AUTO_TEST_SUITE(corrupt_files)

// Nobody can say what a database holds whose pages were changed: but it is always said
// in the same way. What is in the log is protected by checksums, and so is never wrong.
// The seeds QUIRE_DAMAGE_FIRST and following, QUIRE_DAMAGE_SEEDS of them.
BOOST_AUTO_TEST_CASE(damage_is_told_or_has_no_effect) {
  const database_image images[] = {make_image(4096), make_image(1024)};
  for (auto& image : images) {
    BOOST_REQUIRE(image.states.size() > 10u);
    BOOST_REQUIRE(image.states.back().frames * (image.page_size + 24) + 32
                  < image.files.at("-wal").size());
  }
  auto first = from_environment("QUIRE_DAMAGE_FIRST", 1);
  auto seeds = from_environment("QUIRE_DAMAGE_SEEDS", 1000);
  std::map<errc, int> codes;
  int logs = 0;
  for (auto seed = first; seed < first + seeds; ++seed) {
    auto& image = images[seed % 2];
    file_damage damage{image, seed};
    patient one{image, damage};
    auto trouble = one.examine();
    BOOST_CHECK_MESSAGE(trouble.empty(),
                        "QUIRE_DAMAGE_FIRST=" << seed << " QUIRE_DAMAGE_SEEDS=1 shows it again"
                                              << damage.text() << trouble);
    logs += damage.log_only() ? 1 : 0;
    for (auto& [code, count] : one.codes())
      codes[code] += count;
  }
  for (auto& [code, count] : codes)
    BOOST_TEST_MESSAGE(to_string(code) << " " << count);
  BOOST_TEST_MESSAGE(logs << " of " << seeds << " were damaged in the log only");
  if (seeds >= 100) {
    BOOST_TEST(logs > static_cast<int>(seeds / 10));
    BOOST_TEST(codes[errc::corrupt] > static_cast<int>(seeds / 10));
    BOOST_TEST(codes[errc::not_a_database] > 0);
  }
}

// What was found once: indexes that led maintenance in circles, and numbers of migrations
// in a wrong order.
BOOST_AUTO_TEST_CASE(damage_that_was_found_once) {
  auto image = make_image(1024);
  for (std::uint64_t seed : {5805, 9791, 10427}) {
    file_damage damage{image, seed};
    patient one{image, damage};
    BOOST_TEST(one.examine() == "");
  }
}

// The examination could fail: here nothing that a log may show is what it should show.
BOOST_AUTO_TEST_CASE(other_contents_would_be_found) {
  auto image = make_image(1024);
  for (auto& one : image.states)
    one.contents += "more";
  int logs = 0;
  for (std::uint64_t seed = 1; logs < 5; ++seed) {
    file_damage damage{image, seed};
    if (!damage.log_only())
      continue;
    ++logs;
    BOOST_TEST(contains((patient{image, damage}.examine()), "not the contents"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
