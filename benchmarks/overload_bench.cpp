// A million single-row requests at once, of clients that hold nothing back: every
// one must be answered, with a receipt or with `overloaded`, and the process must
// stay small meanwhile.

#include "quire/actors/guard.hpp"
#include "quire/benchmarks/clients.hpp"
#include "quire/benchmarks/peak_memory.hpp"
#include "quire/benchmarks/plain_sqlite.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <latch>
#include <string>
#include <utility>
#include <vector>

using namespace quire::benchmarks;

namespace {

constexpr double growth_mib_max = 256;
constexpr std::chrono::seconds answers_limit{60};
constexpr int window = 1'000; ///< CAF 0.17 searches all requests of an actor for each answer.

int requests(const settings& how) {
  return how.quick ? 2'000 : 1'000'000;
}

/// Counts an answer that is no receipt.
void count_refusal(sample& seen, quire::errc code, const std::string& text) {
  if (code != quire::errc::overloaded)
    return seen.fail(text);
  ++seen.items;
  ++seen.refused;
}

void take(sample& seen, std::future<quire::messages::receipt>& answer) {
  try {
    answer.get();
    ++seen.items;
  } catch (const quire::failure& failure) {
    count_refusal(seen, failure.code(), failure.what());
  }
}

/// One thread offers all. It waits for nothing, but takes what is answered, as a
/// program does that does not want to keep a million futures.
sample offer_futures(quire::runtime& running, int count) {
  sample seen;
  std::deque<std::future<quire::messages::receipt>> waiting;
  for (int i = 0; i < count; ++i) {
    waiting.push_back(running.write_async(insert_events(static_cast<std::uint64_t>(i), 1)));
    while (!waiting.empty()
           && waiting.front().wait_for(std::chrono::seconds{0}) == std::future_status::ready) {
      take(seen, waiting.front());
      waiting.pop_front();
    }
  }
  for (auto& answer : waiting)
    take(seen, answer);
  return seen;
}

/// An actor that sends all it has before it looks at the first answer.
class flooding_client {
public:
  flooding_client(quire::messages::gateway_actor gateway, int count, std::latch& done)
    : gateway_(std::move(gateway)), left_(count), done_(done) {}

  void start(caf::event_based_actor* self) {
    for (int i = 0, count = left_; i < count; ++i) {
      quire::ask_without_limit(self, gateway_, insert_events(static_cast<std::uint64_t>(i), 1))
        .then(
          [this](const quire::messages::receipt&) {
            ++seen_.items;
            answered();
          },
          [this](const caf::error& error) {
            count_refusal(seen_, quire::actors::code_of(error), quire::actors::text_of(error));
            answered();
          });
    }
  }

  const sample& seen() const noexcept { return seen_; }

private:
  void answered() {
    if (--left_ == 0)
      done_.count_down(); // The last thing it does.
  }

  quire::messages::gateway_actor gateway_;
  int left_;
  std::latch& done_;
  sample seen_;
};

sample offer_messages(quire::runtime& running, int count) {
  std::latch done{count / window};
  std::deque<flooding_client> clients;
  for (int i = 0; i < count / window; ++i)
    clients.emplace_back(gateway_of(running), window, done);
  for (auto& client : clients)
    system_of(running).spawn([&client](caf::event_based_actor* self) { client.start(self); });
  done.wait();
  sample seen;
  for (auto& client : clients)
    seen.merge(client.seen());
  return seen;
}

using offer = std::function<sample(quire::runtime&, int)>;

sample overload(const settings& how, const std::string& database, const offer& offer_all) {
  make_events(database, 0);
  // What may wait is what memory is bounded by: some 1.5 kB for each request.
  auto chosen = event_options(database, "normal");
  chosen.waiting_max = 50'000;
  quire::runtime running(std::move(chosen));
  running.write(insert_events(0, 1)); // What is needed once is no growth.

  peak_memory memory;
  stopwatch watch;
  auto answers = offer_all(running, requests(how));
  auto seen = watch.stop();
  seen.rss_growth_mib = memory.growth_mib();
  seen.merge(answers);

  auto rows = running.query("SELECT count(*) FROM event").rows.at(0).at(0).integer();
  if (seen.items != static_cast<std::uint64_t>(requests(how)))
    seen.fail("not every request was answered as it should be");
  if (static_cast<std::uint64_t>(rows) != seen.items - seen.refused + 1)
    seen.fail("there are not as many rows as receipts");
  if (!how.quick && *seen.rss_growth_mib > growth_mib_max)
    seen.fail("the process grew by " + std::to_string(static_cast<int>(*seen.rss_growth_mib))
              + " MiB; " + std::to_string(static_cast<int>(growth_mib_max)) + " are allowed");
  return seen;
}

void run(program& self) {
  auto& how = self.how();
  // In a process of its own: what an earlier one left would hide what this one takes.
  auto prove = [&](const case_name& which, const offer& offer_all) {
    self.prove(which, [&] {
      scratch_folder folder(how.folder);
      return in_child(answers_limit, [&] { return overload(how, folder.database(), offer_all); });
    });
  };
  prove({"overload_async", 1, requests(how), "normal"}, offer_futures);
  prove({"overload_actors", requests(how) / window, window, "normal"}, offer_messages);
}

} // namespace

int main(int argc, char** argv) {
  return run_program(argc, argv, "overload_bench", run);
}
