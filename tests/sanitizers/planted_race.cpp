#include <thread>

// Two threads write without a lock: whoever does not report this finds nothing else.
int main() {
  int counter = 0;
  std::thread other([&] { ++counter; });
  ++counter;
  other.join();
  return counter > 0 ? 0 : 1;
}
