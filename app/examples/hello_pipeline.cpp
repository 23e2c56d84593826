// A pipeline: one stage makes a list, the next one runs a task for each of its
// items, the last one gathers what they found.
#include "quire/actors/pipeline_parser.hpp"
#include "quire/app/runtime.hpp"

#include <cstdlib>
#include <iostream>

constexpr auto definition = R"({
  "name": "hello",
  "params": {"limit": "4"},
  "stages": [
    {"name": "numbers",
     "task": {"kind": "command", "argv": ["seq", "{{params.limit}}"], "output": "lines"}},
    {"name": "square", "after": ["numbers"], "for_each": "numbers", "max_concurrent": 2,
     "task": {"kind": "square", "payload": "{{item}}"}},
    {"name": "sum", "after": ["square"],
     "task": {"kind": "command", "argv": ["awk", "{ sum += $1 } END { print sum }"],
              "stdin": "{{stages.square.outputs}}", "output": "text"}}
  ]
})";

int main(int argc, char** argv) try {
  using namespace std::chrono_literals;
  quire::options options;
  options.database = argc > 1 ? argv[1] : "hello.db";
  options.handle("square", [](quire::task_context& context) {
    auto number = std::stoll(context.task.payload.substr(1)); // a JSON text: "3"
    return quire::task_outcome::success(std::to_string(number * number));
  });
  quire::runtime runtime{options};

  auto run = runtime.start(quire::actors::parse_pipeline(definition));
  auto ended = runtime.wait(run, 60s);
  std::cout << ended.pipeline << " " << quire::to_string(ended.state) << "\n";
  for (auto& stage : ended.stages)
    std::cout << "  " << stage.name << ": " << stage.completed << " of " << stage.total << "\n";

  quire::task_filter last;
  last.run = run;
  last.stage = "sum";
  for (auto& task : runtime.tasks(last))
    std::cout << "  the sum of the squares is " << runtime.find(task.id)->output << "\n";
  return EXIT_SUCCESS;
} catch (const quire::failure& failed) {
  std::cerr << quire::to_string(failed.code()) << ": " << failed.what() << "\n";
  return EXIT_FAILURE;
}
