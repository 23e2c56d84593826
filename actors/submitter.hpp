#pragma once

#include <cstdint>

namespace quire::actors {

/// Who brings a request to a port, and thus what may be done on the thread it comes on. A
/// request that is executed there needs no other thread to be woken, which costs more than
/// most requests do.
enum class submitter : std::uint8_t {
  busy,    ///< Has other things to do: the request waits for the reader or the writer.
  idle,    ///< An actor that has nothing else to do: short data requests are executed at once.
  blocked, ///< A thread that waits for the answer: whatever it asks for may be.
};

} // namespace quire::actors
