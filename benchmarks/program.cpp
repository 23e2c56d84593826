// One benchmark program: its cases, its lines of JSON and its command line.

#include "quire/benchmarks/harness.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>

namespace quire::benchmarks {

namespace {

using json = nlohmann::ordered_json;

/// A figure of two or of three digits after the point.
double rounded(double x, double per_unit) {
  return std::round(x * per_unit) / per_unit;
}

/// Null if nothing was timed.
json microseconds(const histogram& latency, std::chrono::nanoseconds duration) {
  if (latency.count() == 0)
    return nullptr;
  return rounded(static_cast<double>(duration.count()) / 1000, 10);
}

/// The figures of one side, null if there is no such side.
void add_side(json& line, const std::string& prefix, const side* which) {
  auto add = [&](const char* name, json figure) {
    line[prefix + name] = which ? std::move(figure) : json(nullptr);
  };
  static const side nothing;
  auto& figures = which ? *which : nothing;
  auto& latency = figures.merged.latency;
  add("rate_per_s", std::llround(figures.rate_per_s));
  add("p50_us", microseconds(latency, latency.percentile(0.5)));
  add("p99_us", microseconds(latency, latency.percentile(0.99)));
  add("max_us", microseconds(latency, latency.max()));
  add("cpu_us", figures.merged.items > 0 ? json(rounded(figures.cpu_us, 100)) : json(nullptr));
  add("locked_errors", figures.merged.locked_errors);
}

} // namespace

std::string to_json(std::string_view bench, const case_name& which, const summary& result) {
  json line;
  line["bench"] = bench;
  line["case"] = which.name;
  line["clients"] = which.clients;
  line["window"] = which.window;
  line["sync"] = which.sync;
  add_side(line, "", &result.ours);
  add_side(line, "floor_", result.floor ? &*result.floor : nullptr);
  auto add_ratio = [&line](const char* name, double ratio) {
    line[name] = ratio > 0 ? json(rounded(ratio, 1000)) : json(nullptr);
  };
  add_ratio("ratio", result.ratio);
  add_ratio("p50_ratio", result.p50_ratio);
  add_ratio("p99_ratio", result.p99_ratio);
  add_ratio("max_ratio", result.max_ratio);
  auto& seen = result.ours.merged;
  line["refused"] = seen.refused;
  line["rss_growth_mib"] =
    seen.rss_growth_mib ? json(rounded(*seen.rss_growth_mib, 10)) : json(nullptr);
  return line.dump();
}

bool program::wanted(const std::vector<case_name>& which) const {
  auto chosen = [this](const case_name& one) {
    return std::find(how_.cases.begin(), how_.cases.end(), one.name) != how_.cases.end();
  };
  return how_.cases.empty() || std::any_of(which.begin(), which.end(), chosen);
}

void program::report(const case_name& which, const summary& result, bool errors_allowed) {
  lines_ << to_json(name_, which, result) << std::endl;
  auto& seen = result.ours.merged;
  if (seen.failures > 0)
    std::fprintf(stderr, "%s %s: %llu requests failed, the first with: %s\n", name_.c_str(),
                 which.name.c_str(), static_cast<unsigned long long>(seen.failures),
                 seen.first_failure.c_str());
  // A quick section may be over before a busy machine did anything.
  bool idle = seen.items == 0 && !how_.quick;
  if (idle)
    std::fprintf(stderr, "%s %s: nothing was done in the time; give it more with --seconds\n",
                 name_.c_str(), which.name.c_str());
  if (seen.failures > 0 || idle || (seen.locked_errors > 0 && !errors_allowed))
    succeeded_ = false;
}

void program::measure(const case_name& which, const std::function<sample()>& run) {
  if (!wanted({which}))
    return;
  std::vector<sample> sections;
  for (int i = 0; i < (how_.alternations + 1) / 2; ++i)
    sections.push_back(run());
  report(which, summarize(sections, {}), true);
}

void program::prove(const case_name& which, const std::function<sample()>& run) {
  if (wanted({which}))
    report(which, summarize({run()}, {}), false);
}

void program::compare(const case_name& which, const std::function<sample()>& ours,
                      const std::function<sample()>& floor) {
  compare_all(
    {which}, [&ours] { return std::vector<sample>{ours()}; },
    [&floor] { return std::vector<sample>{floor()}; });
}

void program::compare_all(const std::vector<case_name>& which, const section& ours,
                          const section& floor) {
  if (!wanted(which))
    return;
  std::vector<std::vector<sample>> seen(which.size());
  std::vector<std::vector<sample>> floors(which.size());
  auto keep = [](std::vector<std::vector<sample>>& sections, std::vector<sample> results) {
    for (std::size_t i = 0; i < sections.size(); ++i)
      sections[i].push_back(std::move(results.at(i)));
  };
  for (int i = 0; i < how_.alternations; ++i) {
    // Who goes first changes, so that a drift of the machine helps nobody.
    if (i % 2 == 0)
      keep(floors, floor());
    keep(seen, ours());
    if (i % 2 == 1)
      keep(floors, floor());
  }
  for (std::size_t i = 0; i < which.size(); ++i)
    report(which[i], summarize(seen[i], floors[i]), false);
}

// -- command line --------------------------------------------------------------

namespace {

constexpr const char* usage = R"(
  --dir <folder>      where databases are made, and removed at the end
                      (the system's folder for temporary files)
  --seconds <s>       length of each timed section (0.5)
  --alternations <n>  sections of each side of a comparison (5)
  --case <name>       only this case; may be given several times
  --history <n>       finished tasks in the case deep_history (500000)
  --quick             one very short section each: shows that everything runs
)";

double number(const std::string& option, const std::string& text, double least,
              double most = 3600) {
  std::size_t used = 0;
  double result = 0;
  try {
    result = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || !(result >= least) || result > most)
    throw std::invalid_argument(option + " takes a number, not '" + text + "'");
  return result;
}

} // namespace

settings parse_settings(const std::vector<std::string>& arguments) {
  settings result;
  result.folder = std::filesystem::temp_directory_path();
  auto seconds = [](double x) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(x));
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto& option = arguments[i];
    if (option == "--quick") {
      result.quick = true;
      result.duration = std::chrono::milliseconds{30};
      result.alternations = 1;
      continue;
    }
    bool known = option == "--dir" || option == "--seconds" || option == "--alternations"
                 || option == "--case" || option == "--history";
    if (!known)
      throw std::invalid_argument("there is no option '" + option + "'");
    if (++i == arguments.size())
      throw std::invalid_argument(option + " needs a value");
    if (option == "--dir")
      result.folder = arguments[i];
    else if (option == "--seconds")
      result.duration = seconds(number(option, arguments[i], 0.001));
    else if (option == "--alternations")
      result.alternations = static_cast<int>(number(option, arguments[i], 1));
    else if (option == "--history")
      result.history = static_cast<std::int64_t>(number(option, arguments[i], 1, 1e9));
    else
      result.cases.push_back(arguments[i]);
  }
  return result;
}

int run_program(int argc, char** argv, const std::string& name,
                const std::function<void(program&)>& cases) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (std::find(arguments.begin(), arguments.end(), "--help") != arguments.end()) {
    std::printf("%s: writes one line of JSON for each case%s", name.c_str(), usage);
    return 0;
  }
  try {
    program self(name, parse_settings(arguments), std::cout);
    cases(self);
    return self.succeeded() ? 0 : 1;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "%s: %s\n%s", name.c_str(), error.what(), usage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
    return 1;
  }
}

} // namespace quire::benchmarks
