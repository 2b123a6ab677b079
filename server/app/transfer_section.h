// What TransferRunner's sources share.
#ifndef BITS_SERVER_APP_TRANSFER_SECTION_H_
#define BITS_SERVER_APP_TRANSFER_SECTION_H_

#include <functional>
#include <utility>
#include <vector>

#include "server/app/transfer_runner.h"

namespace bits::app {

class BITS_SCOPED_CAPABILITY TransferRunner::Section {
 public:
  explicit Section(TransferRunner& runner) BITS_ACQUIRE(runner.mutex_) : runner_(runner) {
    runner_.mutex_.Lock();
  }
  ~Section() BITS_RELEASE() {
    std::vector<std::function<void()>> deferred = std::exchange(runner_.deferred_, {});
    runner_.mutex_.Unlock();
    for (const std::function<void()>& f : deferred) f();
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

 private:
  TransferRunner& runner_;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_TRANSFER_SECTION_H_
