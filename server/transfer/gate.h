// Lets a bounded number in at a time.
#ifndef BITS_SERVER_TRANSFER_GATE_H_
#define BITS_SERVER_TRANSFER_GATE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

namespace bits::transfer {

// One thread. First come, first in.
class Gate {
 public:
  using Ticket = uint64_t;  // 0 is none

  explicit Gate(size_t places) : places_(places) {}

  // Calls `enter` at once or later. Every ticket is given back by Leave.
  Ticket Enter(std::function<void()> enter) {
    const Ticket ticket = next_++;
    if (inside_ < places_) {
      ++inside_;
      enter();
    } else {
      waiting_.emplace(ticket, std::move(enter));
    }
    return ticket;
  }

  // Whether it was in or still waits.
  void Leave(Ticket ticket) {
    if (waiting_.erase(ticket) != 0) return;
    if (waiting_.empty()) {
      --inside_;
      return;
    }
    const std::function<void()> enter = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    enter();
  }

 private:
  const size_t places_;
  size_t inside_ = 0;
  Ticket next_ = 1;
  std::map<Ticket, std::function<void()>> waiting_;
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_GATE_H_
