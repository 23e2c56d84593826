#include "quire/app/cli/run_observer.hpp"

#include "quire/app/cli/format.hpp"
#include "quire/app/cli/json_objects.hpp"
#include "quire/app/cli/progress_view.hpp"

#include <map>

namespace quire::cli {

namespace {

constexpr std::int64_t progress_interval_ms = 5'000;

std::string title(const run_beginning& beginning) {
  auto& run = beginning.run;
  return "run " + std::to_string(run.id.value) + " of " + run.pipeline
         + (beginning.resumed ? ", resumed" : "") + "; database: " + beginning.database + "\n";
}

/// Finds what has changed since it was asked last.
class stage_changes {
public:
  /// What an earlier process did is no news.
  void adopt(const run_record& run) {
    for (auto& stage : run.stages) {
      auto ended = is_terminal(stage.state);
      known_[stage.id.value] = {stage.done() > 0 || ended, ended, 0};
    }
  }

  template <class Changed, class Progress>
  void find(const run_record& run, std::int64_t now_ms, Changed changed, Progress progress) {
    for (auto& stage : run.stages) {
      auto& known = known_[stage.id.value];
      auto ended = is_terminal(stage.state);
      auto begun = stage.state != stage_state::waiting && (!ended || stage.started_at_ms);
      if (!ended && known.ended)
        known = {}; // Somebody started one of its tasks again.
      // A stage that began and ended between two looks still did both.
      if (begun && !known.begun) {
        changed(at_beginning(stage));
        known.told_at_ms = now_ms;
      }
      if (ended && !known.ended)
        changed(stage);
      if (begun && !ended && now_ms - known.told_at_ms >= progress_interval_ms) {
        progress(stage);
        known.told_at_ms = now_ms;
      }
      known.begun = begun;
      known.ended = ended;
    }
  }

private:
  struct known_stage {
    bool begun = false;
    bool ended = false;
    std::int64_t told_at_ms = 0;
  };

  static stage_record at_beginning(stage_record stage) {
    if (is_terminal(stage.state))
      stage.state = stage_state::running;
    return stage;
  }

  std::map<std::int64_t, known_stage> known_;
};

class plain_observer final : public run_observer {
public:
  explicit plain_observer(console& to) : to_(&to) {}

  void begin(const run_beginning& beginning) override {
    if (beginning.resumed)
      changes_.adopt(beginning.run);
    to_->out(title(beginning));
  }

  void look(const run_record& run, std::int64_t now_ms) override {
    std::string text;
    changes_.find(
      run, now_ms, [&](const stage_record& stage) { text += change_text(stage, now_ms) + "\n"; },
      [&](const stage_record& stage) { text += progress_text(stage, now_ms) + "\n"; });
    if (!text.empty())
      to_->out(text);
  }

  void end() override {
    to_->out("\n");
  }

private:
  console* to_;
  stage_changes changes_;
};

class json_observer final : public run_observer {
public:
  explicit json_observer(console& to) : to_(&to) {}

  void begin(const run_beginning& beginning) override {
    run_ = beginning.run.id.value;
    if (beginning.resumed)
      changes_.adopt(beginning.run);
    json object;
    object["event"] = "run";
    object["run"] = run_;
    object["pipeline"] = beginning.run.pipeline;
    object["resumed"] = beginning.resumed;
    object["database"] = beginning.database_path;
    object["params"] = to_json(beginning.run)["params"];
    to_->out(json_line(object));
  }

  void look(const run_record& run, std::int64_t now_ms) override {
    std::string text;
    auto add = [&](const char* event, const stage_record& stage) {
      json object;
      object["event"] = event;
      object["run"] = run_;
      object["stage"] = stage.name;
      object["state"] = to_string(stage.state);
      object["total"] = stage.total;
      object["completed"] = stage.completed;
      object["partial_success"] = stage.partial_success;
      object["failed"] = stage.failed;
      object["elapsed_ms"] = elapsed_ms(stage, now_ms);
      object["error"] = stage.error;
      text += json_line(object);
    };
    changes_.find(
      run, now_ms, [&](const stage_record& stage) { add("stage", stage); },
      [&](const stage_record& stage) { add("progress", stage); });
    if (!text.empty())
      to_->out(text);
  }

  void end() override {}

private:
  console* to_;
  std::int64_t run_ = 0;
  stage_changes changes_;
};

/// The cursor is never hidden, so there is nothing to restore, however the
/// process ends.
class live_observer final : public run_observer {
public:
  explicit live_observer(console& to) : to_(&to) {}

  void begin(const run_beginning& beginning) override {
    to_->out(title(beginning));
  }

  void look(const run_record& run, std::int64_t now_ms) override {
    auto window = to_->window();
    // A line as wide as the window may wrap.
    auto lines = progress_lines(run, now_ms, {window.columns - 1, window.lines, to_->colours()});
    auto text = back();
    for (auto& line : lines)
      text += line + "\x1b[K\n";
    drawn_ = lines.size();
    to_->out(text + "\x1b[J");
  }

  /// The table of stages says the same.
  void end() override {
    to_->out(back() + "\x1b[J");
    drawn_ = 0;
  }

private:
  std::string back() const {
    return drawn_ > 0 ? "\r\x1b[" + std::to_string(drawn_) + "A" : std::string{};
  }

  console* to_;
  std::size_t drawn_ = 0;
};

class quiet_observer final : public run_observer {
public:
  void begin(const run_beginning&) override {}
  void look(const run_record&, std::int64_t) override {}
  void end() override {}
};

} // namespace

std::unique_ptr<run_observer> make_live_observer(console& to) {
  return std::make_unique<live_observer>(to);
}

std::unique_ptr<run_observer> make_plain_observer(console& to) {
  return std::make_unique<plain_observer>(to);
}

std::unique_ptr<run_observer> make_json_observer(console& to) {
  return std::make_unique<json_observer>(to);
}

std::unique_ptr<run_observer> make_quiet_observer() {
  return std::make_unique<quiet_observer>();
}

} // namespace quire::cli
