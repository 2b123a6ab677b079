// An origin that can die, and come back at the same address.
#ifndef BITS_TESTS_FAULT_SCHEDULING_MORTAL_ORIGIN_H_
#define BITS_TESTS_FAULT_SCHEDULING_MORTAL_ORIGIN_H_

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "server/base/mutex.h"
#include "server/base/unique_fd.h"

namespace bits::testing {

// Used by one thread. A failure to live fails the test.
class MortalOrigin {
 public:
  MortalOrigin();  // dead: connections are refused
  ~MortalOrigin() { Die(); }

  // Takes connections; answers every request with "content", or if `silent`, never.
  void Live(bool silent = false);
  // Cuts all connections and refuses new ones.
  void Die();

  std::string Url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/x"; }

 private:
  void Bind();
  void Serve(int listener, bool silent);

  uint16_t port_ = 0;
  UniqueFd socket_;
  std::thread thread_;
  Mutex mutex_;
  std::vector<UniqueFd> silenced_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::testing

#endif  // BITS_TESTS_FAULT_SCHEDULING_MORTAL_ORIGIN_H_
