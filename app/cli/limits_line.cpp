#include "quire/app/cli/limits_line.hpp"

#include <array>
#include <chrono>
#include <string_view>

namespace quire::cli {

namespace {

using namespace std::chrono_literals;
using change = breaker_change_arguments::change;

constexpr std::int64_t limit_max = 100'000;
constexpr std::int64_t day_s = 24 * 3600;
constexpr std::string_view none = "none";

struct unit {
  char name;
  std::chrono::milliseconds length;
};

constexpr std::array<unit, 4> units{{{'s', 1s}, {'m', 1min}, {'h', 1h}, {'d', 24h}}};

/// Reads `10/m` or `10/30s`.
rate_limit rate_from(const words& line, const std::string& text) {
  auto refuse_rate = [&] {
    refuse(line.app(), "--rate: '" + actors::printable(text)
                         + "' is no rate as 30/m, 10/60s or 1/2h (units: s, m, h, d)");
  };
  auto slash = text.find('/');
  if (slash == std::string::npos || slash + 1 == text.size())
    refuse_rate();
  rate_limit rate;
  rate.count = static_cast<int>(line.number("--rate", text.substr(0, slash), 1, limit_max));
  auto period = text.substr(slash + 1);
  auto known = std::ranges::find(units, period.back(), &unit::name);
  if (known == units.end())
    refuse_rate();
  period.pop_back();
  rate.period = known->length;
  if (!period.empty())
    rate.period *= line.number("--rate", period, 1, 30 * day_s);
  return rate;
}

/// Reads `--limit`: so many, or none.
std::optional<std::optional<int>> read_limit(const words& line) {
  auto limit = line.text("--limit");
  if (!limit)
    return std::nullopt;
  std::optional<int> most;
  if (*limit != none)
    most = static_cast<int>(line.number("--limit", *limit, 1, limit_max));
  return most;
}

kind_set_arguments read_kind_set(const words& line) {
  kind_set_arguments result;
  result.name = line.argument("NAME");
  result.limit = read_limit(line);
  if (auto rate = line.text("--rate")) {
    result.rate.emplace();
    if (*rate != none)
      *result.rate = rate_from(line, *rate);
  }
  if (auto burst = line.number("--burst", 1, limit_max))
    result.burst = static_cast<int>(*burst);
  if (auto breaker = line.text("--breaker"))
    result.breaker = *breaker == none ? std::string{} : *breaker;
  if (!result.limit && !result.rate && !result.burst && !result.breaker)
    refuse(line.app(), "nothing is to be set: give --limit, --rate, --burst or --breaker");
  return result;
}

tenant_set_arguments read_tenant_set(const words& line) {
  tenant_set_arguments result;
  result.name = line.argument("NAME");
  if (auto weight = line.number("--weight", 1, 1000))
    result.weight = static_cast<int>(*weight);
  result.limit = read_limit(line);
  bool pause = line.flag("--pause");
  if (pause && line.flag("--resume"))
    refuse(line.app(), "--pause and --resume contradict each other");
  if (pause || line.flag("--resume"))
    result.paused = pause;
  if (!result.weight && !result.limit && !result.paused)
    refuse(line.app(), "nothing is to be set: give --weight, --limit, --pause or --resume");
  return result;
}

breaker_policy preset_of(const words& line) {
  return line.choice("--preset", "preset", breaker_preset, breaker_presets())
    .value_or(breaker_policy{});
}

breaker_put_arguments read_breaker_put(const words& line) {
  breaker_put_arguments result;
  result.name = line.argument("NAME");
  auto& policy = result.policy;
  policy = preset_of(line);
  auto number = [&](const char* name, std::int64_t least, std::int64_t most, int& into) {
    if (auto given = line.number(name, least, most))
      into = static_cast<int>(*given);
  };
  number("--failures", 0, 1000, policy.failures);
  number("--window", 0, 64, policy.window);
  number("--percent", 1, 100, policy.window_percent);
  number("--probes", 1, 1000, policy.probes);
  number("--successes", 1, 1000, policy.successes);
  if (auto seconds = line.number("--open-for", 1, day_s))
    policy.open_for = std::chrono::seconds{*seconds};
  if (auto seconds = line.number("--open-max", 1, day_s))
    policy.open_max = std::chrono::seconds{*seconds};
  if (auto factor = line.number("--factor", 1, 100))
    policy.factor = static_cast<double>(*factor);
  policy.mode = line.choice("--mode", "mode", breaker_mode_from_string, {"hold", "skip", "fail"})
                  .value_or(policy.mode);
  if (policy.failures == 0 && policy.window == 0)
    refuse(line.app(), "without --failures and --window it would never open");
  return result;
}

breaker_change_arguments read_breaker_change(const words& line, change what) {
  breaker_change_arguments result;
  result.what = what;
  result.names = line.all("NAME");
  if (result.names.empty())
    refuse(line.app(), "the argument NAME is missing");
  return result;
}

} // namespace

std::optional<command> read_limits_command(const grammar& known, const words& line) {
  auto* app = &line.app();
  if (app == known.kind_list)
    return with_shared(line, kind_list_arguments{});
  if (app == known.kind_set)
    return with_shared(line, read_kind_set(line));
  if (app == known.tenant_list)
    return with_shared(line, tenant_list_arguments{});
  if (app == known.tenant_set)
    return with_shared(line, read_tenant_set(line));
  if (app == known.breaker_list)
    return with_shared(line, breaker_list_arguments{});
  if (app == known.breaker_put)
    return with_shared(line, read_breaker_put(line));
  if (app == known.breaker_open)
    return with_shared(line, read_breaker_change(line, change::open));
  if (app == known.breaker_close)
    return with_shared(line, read_breaker_change(line, change::close));
  if (app == known.breaker_remove)
    return with_shared(line, read_breaker_change(line, change::remove));
  return std::nullopt;
}

} // namespace quire::cli
