#pragma once

#include "quire/messages/types/terms.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quire::actors {

/// What the queue knows of a request; requests derive from `queued<request>`.
template <class T>
struct queued {
  quire::lane lane = quire::lane::normal;
  std::uint64_t client = 0;
  std::uint64_t number = 0; ///< By which its client may cancel it; 0: it cannot.
  std::chrono::steady_clock::time_point deadline{}; ///< Then it is not begun any more.
  std::size_t bytes = 0;

private:
  template <class>
  friend class fair_queue;
  std::unique_ptr<T> next_;
};

/// Requests that wait, in lanes, and in each lane by client: `pop` gives each lane turns
/// by its weight, and within a lane one turn to each client that has something there. A
/// client's own requests keep their order within a lane.
///
/// Not thread-safe. A request is not copied, and nothing is allocated for it; a client
/// costs some 200 bytes until it has been idle for a while.
template <class T>
class fair_queue {
public:
  using time_point = std::chrono::steady_clock::time_point;

  fair_queue() = default;
  fair_queue(const fair_queue&) = delete;
  fair_queue& operator=(const fair_queue&) = delete;
  ~fair_queue() { take_all(); }

  void push(std::unique_ptr<T> request) {
    if (clients_.size() >= forget_at_)
      forget_idle_clients();
    auto& home = clients_[request->client];
    auto place = static_cast<std::size_t>(request->lane);
    auto& row = home.rows[place];
    earliest_ = std::min(earliest_, request->deadline);
    ++home.requests;
    home.bytes += request->bytes;
    ++size_;
    bytes_ += request->bytes;
    if (!row.first)
      lanes_[place].push_back(&home);
    row.append(std::move(request));
  }

  /// Returns the request whose turn it is; null if none waits.
  std::unique_ptr<T> pop() {
    if (size_ == 0)
      return nullptr;
    auto place = next_lane();
    auto& lane = lanes_[place];
    auto* home = lane.front();
    lane.pop_front();
    auto& row = home->rows[place];
    auto result = row.take_first();
    count_out(*home, *result);
    if (row.first)
      lane.push_back(home);
    return result;
  }

  /// Takes out the request that `client` numbered so; null if it does not wait.
  std::unique_ptr<T> take(std::uint64_t client, std::uint64_t number) {
    auto found = clients_.find(client);
    if (found == clients_.end() || number == 0)
      return nullptr;
    std::vector<std::unique_ptr<T>> taken;
    take_from(
      found->second, [number](const T& x) { return x.number == number; }, 1, taken);
    return taken.empty() ? nullptr : std::move(taken.front());
  }

  /// Takes out those whose deadline has come. Costs nothing while none has.
  std::vector<std::unique_ptr<T>> take_expired(time_point now) {
    std::vector<std::unique_ptr<T>> taken;
    if (now < earliest_)
      return taken;
    earliest_ = time_point::max();
    for (auto& [id, home] : clients_)
      if (home.requests > 0)
        take_from(
          home,
          [now, this](const T& x) {
            if (x.deadline > now)
              earliest_ = std::min(earliest_, x.deadline);
            return x.deadline <= now;
          },
          std::numeric_limits<std::size_t>::max(), taken);
    return taken;
  }

  std::vector<std::unique_ptr<T>> take_all() {
    std::vector<std::unique_ptr<T>> taken;
    taken.reserve(size_);
    while (auto one = pop())
      taken.push_back(std::move(one));
    return taken;
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t bytes() const noexcept { return bytes_; }

  /// What one client has waiting.
  std::size_t size_of(std::uint64_t client) const {
    auto found = clients_.find(client);
    return found == clients_.end() ? 0 : found->second.requests;
  }
  std::size_t bytes_of(std::uint64_t client) const {
    auto found = clients_.find(client);
    return found == clients_.end() ? 0 : found->second.bytes;
  }

  /// Clients that are remembered, idle ones included.
  std::size_t clients() const noexcept { return clients_.size(); }

private:
  struct fifo {
    std::unique_ptr<T> first;
    T* last = nullptr;

    void append(std::unique_ptr<T> request) {
      auto* raw = request.get();
      (first ? last->queued<T>::next_ : first) = std::move(request);
      last = raw;
    }

    std::unique_ptr<T> take_first() {
      auto result = std::move(first);
      first = std::move(result->queued<T>::next_);
      if (!first)
        last = nullptr;
      return result;
    }
  };

  struct client_state {
    std::array<fifo, lane_count> rows;
    std::size_t requests = 0;
    std::size_t bytes = 0;
  };

  void count_out(client_state& home, const T& request) {
    --home.requests;
    home.bytes -= request.bytes;
    --size_;
    bytes_ -= request.bytes;
  }

  /// Those with nothing waiting stand in no lane.
  void forget_idle_clients() {
    std::erase_if(clients_, [](const auto& known) { return known.second.requests == 0; });
    forget_at_ = std::max(clients_kept, 2 * clients_.size());
  }

  template <class Predicate>
  void take_from(client_state& home, Predicate wanted, std::size_t most,
                 std::vector<std::unique_ptr<T>>& taken) {
    for (std::size_t place = 0; place < lane_count; ++place) {
      auto& waiting = home.rows[place];
      if (!waiting.first)
        continue;
      fifo kept;
      while (waiting.first) {
        auto one = waiting.take_first();
        if (wanted(*one) && taken.size() < most) {
          count_out(home, *one);
          taken.push_back(std::move(one));
        } else {
          kept.append(std::move(one));
        }
      }
      waiting = std::move(kept);
      if (!waiting.first)
        std::erase(lanes_[place], &home);
    }
  }

  /// Returns the lane whose turn it is. Precondition: something waits.
  std::size_t next_lane() {
    constexpr std::size_t control = static_cast<std::size_t>(lane::control);
    if (!lanes_[control].empty())
      return control;
    for (;;) {
      for (std::size_t place = control + 1; place < lane_count; ++place) {
        if (lanes_[place].empty() || turns_[place] == 0)
          continue;
        --turns_[place];
        return place;
      }
      turns_ = weights;
    }
  }

  static constexpr std::array<int, lane_count> weights{0, 16, 4, 1};
  static constexpr std::size_t clients_kept = 4096;

  std::unordered_map<std::uint64_t, client_state> clients_;
  std::array<std::deque<client_state*>, lane_count>
    lanes_; ///< Those with something there, by turn.
  std::array<int, lane_count> turns_ = weights;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
  time_point earliest_ = time_point::max(); ///< No deadline comes before it.
  std::size_t forget_at_ = clients_kept;
};

} // namespace quire::actors
