// Reads the files of a history and says what is wrong with it.
//
// usage: check_history FILE...
// The exit status is 1 if an anomaly was found, 2 if the history cannot be read.

#include "quire/tests/history/checker.hpp"

#include <exception>
#include <fstream>
#include <iostream>

using namespace quire::tests;

int main(int argc, char** argv) try {
  history_reader reader;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i]);
    if (!file) {
      std::cerr << "cannot read " << argv[i] << "\n";
      return 2;
    }
    reader.read(file);
  }
  auto all = reader.take();
  std::size_t committed = 0;
  std::size_t refused = 0;
  for (auto& [id, write] : all.writes) {
    committed += write.end == write_end::committed;
    refused += write.end == write_end::refused;
  }
  auto found = checker(all).run();
  for (auto& finding : found)
    std::cout << to_string(finding.kind) << ": " << finding.text << "\n";
  std::cout << all.writes.size() << " writes (" << committed << " committed, " << refused
            << " refused), " << all.reads.size() << " reads, " << found.size() << " anomalies\n";
  return found.empty() ? 0 : 1;
} catch (const std::exception& problem) {
  std::cerr << "check_history: " << problem.what() << "\n";
  return 2;
}
