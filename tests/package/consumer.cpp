// What a user of the installed package writes. It proves that headers, libraries
// and their dependencies arrive complete.
#ifdef HAS_RUNTIME

#include "quire/app/runtime.hpp"

#include <iostream>

#include <stdlib.h>

int main(int argc, char** argv) {
  if (argc != 2)
    return EXIT_FAILURE;
  quire::options options;
  options.database = std::string{argv[1]} + "/consumer.db";
  quire::runtime runtime{options};
  runtime.write("CREATE TABLE notes (text TEXT NOT NULL) STRICT");
  runtime.write("INSERT INTO notes VALUES (?1)", {"installed"});
  auto found = runtime.query("SELECT text FROM notes");
  runtime.close();
  std::cout << found.rows.size() << " row\n";
  return found.rows.size() == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#else

#include "quire/messages/types/task.hpp"

#include <stdlib.h>

int main() {
  return quire::to_string(quire::task_state::ready) == "ready" ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
