// A durable queue: a handler in C++, and a program as a task. Whatever is
// enqueued survives a crash and is run again when the next process opens the
// database.
#include "quire/app/runtime.hpp"

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) try {
  using namespace std::chrono_literals;
  quire::options options;
  options.database = argc > 1 ? argv[1] : "hello.db";
  options.handle("greet", [](quire::task_context& context) {
    return quire::task_outcome::success("\"hello, " + context.task.payload + "\"");
  });
  quire::runtime runtime{options};

  quire::task_spec greet;
  greet.kind = "greet";
  greet.payload = "world";
  auto greeting = runtime.enqueue(greet);

  quire::task_spec list;
  list.kind = "command"; // built in: an argument list, never a shell
  list.payload = R"({"argv": ["uname", "-s"], "output": "text"})";
  auto system_name = runtime.enqueue(list);

  for (auto task : {greeting, system_name}) {
    auto ended = runtime.wait(task, 30s);
    std::cout << ended.kind << " " << quire::to_string(ended.state) << ": "
              << runtime.find(task)->output << "\n";
  }
  return EXIT_SUCCESS;
} catch (const quire::failure& failed) {
  std::cerr << quire::to_string(failed.code()) << ": " << failed.what() << "\n";
  return EXIT_FAILURE;
}
